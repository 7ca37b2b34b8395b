/*
 * What became of each message. Numbers count from 0; those of the warm-up come first and are left out of the report.
 *
 * A message is accepted once the source has read the 250 to its final dot, and has arrived once the sink has read the
 * final dot of the transaction that serves the last of its recipients.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

struct entry {
    double started, accepted, arrived;  /* 0: not yet */
    uint64_t missing;                   /* recipients that the sink has not seen, as bits */
    bool refused;
};

static struct entry *entries;
static long total, decided, awaited;    /* awaited: messages that are accepted and have not arrived */
static long doubled, damaged, strange, sink_connections;
static double begun, behind_s, cpu_before_s;
static char complaint[160];

static double cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
           + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void ledger_prepare(void)
{
    total = opt.warm_up + opt.messages;
    entries = calloc((size_t)total, sizeof *entries);
    if (!entries)
        die("calloc");
    for (struct entry *e = entries; e < entries + total; e++)
        e->missing = (UINT64_C(1) << opt.recipients) - 1;
    if (!opt.target)
        awaited = total;  /* another program sends them */
}

void ledger_begin(void)
{
    begun = now_s();
    cpu_before_s = cpu_s();
    doubled = damaged = strange = sink_connections = 0;
}

void ledger_started(long number, double late_s)
{
    entries[number].started = now_s();
    if (late_s > behind_s)
        behind_s = late_s;
}

void ledger_accepted(long number)
{
    decided++;
    entries[number].accepted = now_s();
    if (opt.sink && entries[number].missing)
        awaited++;
}

void ledger_refused(long number)
{
    decided++;
    entries[number].refused = true;
}

void ledger_complaint(const char *why)
{
    if (!*complaint)
        snprintf(complaint, sizeof complaint, "%s", why);
}

/* Number is what the content says, recipients are what the envelope says; no recipients: it belongs to another message */
void ledger_arrived(long number, uint64_t recipients, double at, bool intact)
{
    if (number < 0 || number >= total) {
        strange++;
        return;
    }
    struct entry *e = &entries[number];
    doubled += __builtin_popcountll(recipients & ~e->missing);
    damaged += !intact || !recipients;
    if (e->missing && !(e->missing &= ~recipients)) {
        e->arrived = at;
        if (e->accepted > 0 || !opt.target)
            awaited--;
    }
}

void ledger_stranger(void)
{
    strange++;
}

void ledger_sink_connection(void)
{
    sink_connections++;
}

/* Every message of this phase has its answer, and every one that was accepted is there. */
bool ledger_is_settled(void)
{
    return awaited == 0 && (!opt.target || decided == (begun > 0 ? total : opt.warm_up));
}

static int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* Print nearest-rank percentiles of `count` durations, as milliseconds. */
static void print_percentiles(const char *name, double *durations_s, long count)
{
    qsort(durations_s, (size_t)count, sizeof *durations_s, by_size);
    printf("\"%s\": ", name);
    for (int i = 0, ranks[] = {50, 95, 99}; count && i < 3; i++)
        printf("%s\"p%d\": %.3f", i ? ", " : "{", ranks[i], durations_s[(count * ranks[i] + 99) / 100 - 1] * 1e3);
    printf(count ? "}, " : "null, ");
}

void ledger_report(bool timed_out)
{
    long accepted = 0, arrived = 0, lost = 0, refused = 0, timed = 0;
    double last_reply = begun, last_arrival = begun;
    double *reply_s = calloc((size_t)opt.messages, sizeof *reply_s);
    double *transit_s = calloc((size_t)opt.messages, sizeof *transit_s);
    if (!reply_s || !transit_s)
        die("calloc");
    for (const struct entry *e = entries + opt.warm_up; e < entries + total; e++) {
        refused += e->refused;
        arrived += !e->missing;
        lost += e->missing && opt.sink && (e->accepted > 0 || !opt.target);
        last_reply = e->accepted > last_reply ? e->accepted : last_reply;
        last_arrival = e->arrived > last_arrival ? e->arrived : last_arrival;
        if (e->accepted > 0)
            reply_s[accepted++] = e->accepted - e->started;
        if (e->accepted > 0 && !e->missing)  /* the sink may see the dot before the source gets to read the 250 */
            transit_s[timed++] = e->arrived > e->accepted ? e->arrived - e->accepted : 0;
    }
    for (char *at = complaint; *at; at++)
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
            *at = ' ';
    printf("{\"accepted\": %ld, \"arrived\": %ld, \"lost\": %ld, \"doubled\": %ld, \"damaged\": %ld, \"refused\": %ld, ",
           accepted, arrived, lost, doubled, damaged, refused);
    printf("\"strange\": %ld, \"timed_out\": %s, ", strange, timed_out ? "true" : "false");
    printf("\"last_reply_s\": %.6f, \"last_arrival_s\": %.6f, ", last_reply - begun, last_arrival - begun);
    print_percentiles("reply_ms", reply_s, accepted);
    print_percentiles("transit_ms", transit_s, timed);
    printf("\"behind_ms\": %.3f, \"sink_connections\": %ld, \"load_cpu_s\": %.6f, \"complaint\": \"%s\"}\n",
           behind_s * 1e3, sink_connections, cpu_s() - cpu_before_s, complaint);
    free(reply_s);
    free(transit_s);
}
