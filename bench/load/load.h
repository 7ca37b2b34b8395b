/*
 * load: the world around an MTA in one small process. A source hands the MTA mail, a sink plays its next hop, and a
 * ledger knows every message by its number. Since both ends share a process, one clock times the whole way.
 *
 *     load.c      options, the phases of a run        stream.c    a buffered connection, the event loop
 *     source.c    SMTP clients                        message.c   what a message looks like, whether it is unchanged
 *     sink.c      SMTP server                         ledger.c    what became of each message, the report
 *     tls.c       TLS for both ends
 *
 * It is written in C so that it leaves the processor to the MTA that shares the machine with it.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
    long target, sink;              /* ports on 127.0.0.1; 0 leaves that end out */
    long messages, warm_up;         /* measured, and sent before */
    long size;                      /* octets of content, header included */
    long sessions, per_connection;  /* 0 messages per connection: no limit */
    long recipients, domains;       /* recipient j of message i is at domain (i / in_a_row + j) modulo domains */
    long in_a_row;
    long rate;                      /* messages started per second whatever became of others; 0: as replies come */
    long pipelining;                /* whether the source pipelines */
    long tls, sink_tls;             /* whether the source says STARTTLS, and whether the sink offers it */
    long run;                       /* marks our messages among strangers */
    long limit_s;                   /* for each phase */
};
extern struct options opt;
enum { RECIPIENTS_MOST = 60 };      /* they are bits of a word */

double now_s(void);
_Noreturn void die(const char *what);

/* ---- stream.c ---- */

struct stream {
    int fd;                         /* -1: closed */
    bool ending;                    /* close as soon as all is sent */
    bool polls_output;
    bool encrypts_next;             /* become the server's end of TLS as soon as all is sent */
    struct ssl_st *tls;             /* NULL: in clear */
    char *in, *out;                 /* received and not yet eaten; queued, with `sent` octets of it gone */
    size_t in_length, in_room, out_length, out_room, sent;
    void (*received)(struct stream *);
    void (*closed)(struct stream *);  /* may free the stream */
};

void loop_open(void);
void loop_listen(int fd);           /* call sink_accept() when somebody connects */
void loop_turn(int wait_ms);
void stream_open(struct stream *, int fd);
void stream_put(struct stream *, const char *octets, size_t length);
void stream_say(struct stream *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void stream_flush(struct stream *);
char *stream_line(struct stream *, size_t *eaten);
void stream_eat(struct stream *, size_t length);

/* ---- tls.c ---- */

void tls_prepare(void);
void stream_encrypt(struct stream *, bool is_server);
ssize_t tls_send(struct stream *, const char *octets, size_t length);
ssize_t tls_receive(struct stream *, char *room, size_t length);
bool tls_waits_for_input(struct stream *);
void tls_end(struct stream *);

/* ---- message.c ---- */

enum verdict { INTACT, DAMAGED, FOREIGN };

void message_prepare(void);
void message_put(struct stream *, long number);
size_t message_unstuff(char *content, size_t length);
enum verdict message_check(const char *content, size_t length, long *number);

/* ---- ledger.c ---- */

void ledger_prepare(void);
void ledger_begin(void);            /* from here on it counts */
void ledger_started(long number, double behind_s);
void ledger_accepted(long number);
void ledger_refused(long number);
void ledger_complaint(const char *);  /* the first one is reported */
void ledger_arrived(long number, uint64_t recipients, double at, bool intact);
void ledger_stranger(void);
void ledger_sink_connection(void);
bool ledger_is_settled(void);
void ledger_report(bool timed_out);

/* ---- source.c, sink.c ---- */

void source_prepare(void);
void source_release(long until);    /* messages with lower numbers may be started */
int source_tend(void);              /* start what is due; returns for how many ms nothing will be */
void sink_listen(void);
void sink_accept(void);

#endif
