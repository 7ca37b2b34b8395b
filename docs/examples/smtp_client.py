"""Send one message: python smtp_client.py PORT SENDER RECIPIENT ... < message"""

import socket
import sys

from empath import smtp

port, sender, *recipients = sys.argv[1:]
content = sys.stdin.buffer.read().replace(b"\n", b"\r\n")  # the text has the line ends of Unix
client = smtp.ClientConnection()
connection = socket.create_connection(("127.0.0.1", int(port)))


def hear() -> smtp.Reply:
    while (event := client.next_event()) is smtp.NEED_DATA:
        client.receive_data(connection.recv(65536))
    if not isinstance(event, smtp.ReplyReceived):
        sys.exit("the server has closed the connection")
    print(event.command.verb.value if event.command else "GREETING", "->", event.reply)
    return event.reply


def say(*items: smtp.Command | smtp.BodyEnd) -> None:
    connection.sendall(b"".join(client.send(item) for item in items))
    refusals = [reply for reply in [hear() for _ in items] if reply.code >= 400]
    if refusals:
        sys.exit(f"refused: {refusals[0]}")


hear()
say(smtp.Ehlo("client.example.org"))
group: list[smtp.Command] = [smtp.Mail(smtp.Address.parse(sender))]
group += [smtp.Rcpt(smtp.Address.parse(recipient)) for recipient in recipients]
group += [smtp.Data()]
for part in [group] if client.pipelining else [[command] for command in group]:
    say(*part)
connection.sendall(client.send(smtp.BodyData(content)))
say(smtp.BodyEnd())
say(smtp.Quit())
