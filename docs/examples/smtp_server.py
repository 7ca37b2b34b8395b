"""Take mail for example.org and print it: python smtp_server.py PORT"""

import socket
import sys

from empath import smtp

OFFERS = smtp.BASIC.without("CHUNKING")


def decide(server: smtp.ServerConnection, event: smtp.ServerEvent, message: bytearray) -> smtp.Reply:
    match event:
        case smtp.Refused(reply=refusal) | smtp.BodyEnd(refusal=smtp.Reply() as refusal):
            return refusal
        case smtp.Helo() | smtp.Ehlo():
            return server.hello_reply()
        case smtp.Mail():
            message.clear()
        case smtp.Rcpt(forward_path=path) if path.domain not in (None, smtp.Domain.parse("example.org")):
            return smtp.Reply(550, "mail for example.org only", "5.7.1")
        case smtp.Data():
            return smtp.Reply(354, "go on")
        case smtp.BodyEnd():
            print(message.decode("utf-8", "backslashreplace"), flush=True)
    return smtp.Reply(250, "fine")


def serve(connection: socket.socket) -> None:
    server, message = smtp.ServerConnection("mx.example.org", OFFERS), bytearray()
    connection.sendall(server.send(smtp.Reply(220, "mx.example.org ESMTP")))
    while server.state is not smtp.State.CLOSED:
        server.receive_data(connection.recv(65536))
        replies = b""
        while not isinstance(event := server.next_event(), smtp.Pause | smtp.ConnectionClosed):
            if isinstance(event, smtp.BodyData):
                message += event.data
            else:
                replies += server.send(decide(server, event, message))
        connection.sendall(replies)


with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    print("listening on port", listener.getsockname()[1], flush=True)
    while True:
        with listener.accept()[0] as connection:
            serve(connection)
