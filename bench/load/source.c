/* The source: SMTP clients, each with one connection at a time and one message at a time. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Which reply a session waits for; in DOWN and IDLE it waits for something to do. */
enum step { DOWN, GREETING, EHLO, STARTTLS, IDLE, MAIL, RCPT, DATA, CONTENT, QUIT };

struct session {
    struct stream stream;      /* first, so that a stream of ours is a session */
    enum step step;
    long number, recipient;    /* of the message under way */
    long sent_here;            /* messages on this connection */
    double not_before;         /* when to connect again */
};

static const double pause_s = 0.05;  /* after a connection that failed */
static struct session *sessions;
static long next_number, released;
static double released_at;

void source_release(long until)
{
    released = until;
    released_at = now_s();
}

/* When the next message may start; the warm-up is not paced. */
static double due(void)
{
    bool is_paced = opt.rate && next_number >= opt.warm_up;
    return is_paced ? released_at + (double)(next_number - opt.warm_up) / (double)opt.rate : 0;
}

static void say_rcpt(struct session *s, long recipient)
{
    stream_say(&s->stream, "RCPT TO:<m%ld-%ld@site-%ld.test>\r\n", s->number, recipient,
               (s->number / opt.in_a_row + recipient) % opt.domains);
}

static void start_message(struct session *s)
{
    double planned = due();
    s->number = next_number++;
    s->recipient = 0;
    s->sent_here++;
    s->step = MAIL;
    ledger_started(s->number, planned > 0 ? now_s() - planned : 0);
    stream_say(&s->stream, "MAIL FROM:<source@load.test>\r\n");
    if (opt.pipelining) {
        for (long r = 0; r < opt.recipients; r++)
            say_rcpt(s, r);
        stream_say(&s->stream, "DATA\r\n");
    }
}

static void go_on(struct session *s)
{
    if (next_number >= released || (opt.per_connection && s->sent_here >= opt.per_connection)) {
        s->step = QUIT;
        stream_say(&s->stream, "QUIT\r\n");
    } else if (due() > now_s()) {
        s->step = IDLE;
    } else {
        start_message(s);
    }
}

/* End the connection. Not by QUIT: what is under way is refused, and the next attempt waits a little. */
static void leave(struct session *s, const char *why)
{
    if (s->step >= MAIL && s->step <= CONTENT)
        ledger_refused(s->number);
    if (s->step != QUIT) {
        ledger_complaint(why);
        s->not_before = now_s() + pause_s;
    }
    s->step = DOWN;
    s->stream.ending = true;
}

/* Act on a reply that is the one hoped for. */
static void advance(struct session *s, const char *line)
{
    bool lockstep = !opt.pipelining;
    switch (s->step) {
    case GREETING:
        s->step = EHLO;
        stream_say(&s->stream, "EHLO load.test\r\n");
        break;
    case EHLO:
        if (opt.tls && !s->stream.tls) {
            s->step = STARTTLS;
            stream_say(&s->stream, "STARTTLS\r\n");
        } else {
            go_on(s);
        }
        break;
    case STARTTLS:
        stream_encrypt(&s->stream, false);
        s->step = EHLO;
        stream_say(&s->stream, "EHLO load.test\r\n");
        break;
    case MAIL:
        s->step = RCPT;
        if (lockstep)
            say_rcpt(s, 0);
        break;
    case RCPT:
        if (++s->recipient == opt.recipients)
            s->step = DATA;
        if (lockstep && s->step == DATA)
            stream_say(&s->stream, "DATA\r\n");
        else if (lockstep)
            say_rcpt(s, s->recipient);
        break;
    case DATA:
        s->step = CONTENT;
        message_put(&s->stream, s->number);
        break;
    case CONTENT:
        ledger_accepted(s->number);
        go_on(s);
        break;
    default:  /* the reply to QUIT, or a word that nobody asked for */
        leave(s, line);
    }
}

static void received(struct stream *stream)
{
    struct session *s = (struct session *)stream;
    size_t eaten = 0;
    for (char *line; !stream->ending && (line = stream_line(stream, &eaten));) {
        bool has_more = strlen(line) > 3 && line[3] == '-';
        if (!has_more && line[0] == (s->step == DATA ? '3' : '2'))
            advance(s, line);
        else if (!has_more)
            leave(s, line);
    }
    stream_eat(stream, eaten);
}

static void closed(struct stream *stream)
{
    struct session *s = (struct session *)stream;
    if (s->step != DOWN)
        leave(s, "connection lost");
}

static void connect_to_target(struct session *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.target)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS))
        die("connect");
    s->sent_here = 0;
    s->step = GREETING;
    stream_open(&s->stream, fd);
}

void source_prepare(void)
{
    sessions = calloc((size_t)opt.sessions, sizeof *sessions);
    if (!sessions)
        die("calloc");
    for (struct session *s = sessions; s < sessions + opt.sessions; s++)
        s->stream = (struct stream){.fd = -1, .received = received, .closed = closed};
}

int source_tend(void)
{
    const double nothing_due_s = 0.2;
    double now = now_s(), next = now + nothing_due_s;
    for (struct session *s = sessions; s && s < sessions + opt.sessions; s++) {
        if (s->stream.fd < 0 && next_number < released) {
            if (s->not_before <= now)
                connect_to_target(s);
            else if (s->not_before < next)
                next = s->not_before;
        } else if (s->step == IDLE) {
            go_on(s);
            stream_flush(&s->stream);
            if (s->step == IDLE && due() < next)
                next = due();
        }
    }
    return next > now ? (int)((next - now) * 1e3) + 1 : 0;
}
