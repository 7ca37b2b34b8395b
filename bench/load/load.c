/* Options, and the phases of a run: warm-up, word from outside to go on, measurement, a moment for doubles. */
#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options opt = {.messages = 1000, .size = 1024, .sessions = 1, .recipients = 1, .domains = 1, .in_a_row = 1,
                      .limit_s = 60};

static const struct {
    const char *name, *meaning;
    long *value, least, most;
} known[] = {
    {"--target", "port of the MTA; 0: no source", &opt.target, 0, 65535},
    {"--sink", "port to take mail on; 0: no sink", &opt.sink, 0, 65535},
    {"--messages", "how many", &opt.messages, 1, 10000000},
    {"--warm-up", "messages before; then it says `ready` and waits for SIGUSR1", &opt.warm_up, 0, 1000000},
    {"--size", "octets of a message", &opt.size, 512, 64 << 20},
    {"--sessions", "connections of the source at a time", &opt.sessions, 1, 10000},
    {"--per-connection", "messages on a connection; 0: all", &opt.per_connection, 0, 1000000},
    {"--recipients", "per message", &opt.recipients, 1, RECIPIENTS_MOST},
    {"--domains", "among which recipients are spread", &opt.domains, 1, 100000},
    {"--in-a-row", "messages before the next domain has its turn", &opt.in_a_row, 1, 100000},
    {"--rate", "messages started per second; 0: as fast as replies come", &opt.rate, 0, 100000},
    {"--pipelining", "1: the source sends MAIL, RCPT and DATA together", &opt.pipelining, 0, 1},
    {"--tls", "1: the source says STARTTLS", &opt.tls, 0, 1},
    {"--sink-tls", "1: the sink offers STARTTLS", &opt.sink_tls, 0, 1},
    {"--run", "number that marks the messages; default: the process id", &opt.run, 0, 0xffffffff},
    {"--limit", "seconds after which a phase is given up", &opt.limit_s, 1, 86400},
};
enum { KNOWN = sizeof known / sizeof known[0] };

static const double linger_s = 0.2;
static volatile sig_atomic_t told_to_go;

double now_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void die(const char *what)
{
    perror(what);
    exit(70);
}

static _Noreturn void usage(const char *complaint, const char *about)
{
    fprintf(stderr, "load: %s %s\n", complaint, about);
    for (int i = 0; i < KNOWN; i++)
        fprintf(stderr, "  %-18s %s (%ld to %ld)\n", known[i].name, known[i].meaning, known[i].least, known[i].most);
    exit(64);
}

static void read_options(int count, char **words)
{
    opt.run = getpid();
    for (int i = 1; i < count; i += 2) {
        int k = 0;
        while (k < KNOWN && strcmp(words[i], known[k].name) != 0)
            k++;
        if (k == KNOWN)
            usage("unknown option", words[i]);
        char *end = NULL;
        long value = i + 1 < count ? strtol(words[i + 1], &end, 10) : 0;
        if (!end || end == words[i + 1] || *end || value < known[k].least || value > known[k].most)
            usage("no such value of", words[i]);
        *known[k].value = value;
    }
    if (!opt.target && (!opt.sink || opt.warm_up))
        usage("nothing to do without", "--target");
}

static void go(int number)
{
    (void)number;
    told_to_go = 1;
}

static bool is_told_to_go(void)
{
    return told_to_go;
}

static bool never(void)
{
    return false;
}

/* Serve both ends until `done`; false if that took longer than it may. */
static bool serve(bool (*done)(void), double at_most_s)
{
    double until = now_s() + at_most_s;
    while (!done()) {
        int left_ms = (int)((until - now_s()) * 1e3);
        if (left_ms <= 0)
            return false;
        int idle_ms = source_tend();
        loop_turn(idle_ms < left_ms ? idle_ms : left_ms);
    }
    return true;
}

int main(int count, char **words)
{
    read_options(count, words);
    bool in_time = true;
    double limit_s = (double)opt.limit_s;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = go}, NULL);
    message_prepare();
    ledger_prepare();
    if (opt.tls || opt.sink_tls)
        tls_prepare();
    loop_open();
    if (opt.sink)
        sink_listen();
    if (opt.target)
        source_prepare();
    if (opt.warm_up) {
        source_release(opt.warm_up);
        in_time = serve(ledger_is_settled, limit_s);
        puts("ready");
        fflush(stdout);
        in_time = serve(is_told_to_go, limit_s) && in_time;
    }
    ledger_begin();
    source_release(opt.warm_up + opt.messages);
    in_time = serve(ledger_is_settled, limit_s) && in_time;
    if (in_time)
        serve(never, linger_s);
    ledger_report(!in_time);
    return 0;
}
