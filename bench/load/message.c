/*
 * What a message looks like, and whether one that arrived is what was sent.
 *
 * The first field is an MTA's business: it may stand below any number of trace fields. The second, X-Load, names run
 * and number and a checksum of every octet below its own line, so a change of header or body is seen. Bodies are cut
 * from one text, from another line for each number, so that a message with the body of its neighbour is seen too.
 */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, DOTTED = 16, VARIANTS = 31, REST_MOST = 512 };

static const char first_fields[] = "Message-ID: <%08lx.%08ld@load.test>\r\nX-Load: %08lx %08ld %016llx\r\n";
static char rest[REST_MOST];  /* of the header, the same in all messages */
static char *text;            /* as it goes over the wire, dots stuffed */
static struct variant {
    size_t start, end;        /* in the text */
    uint64_t checksum;
} variants[VARIANTS];

/* Eight octets at a time: this runs over every octet that is sent, on the MTA's processors. */
static uint64_t checksum(const char *at, size_t length)
{
    const uint64_t odd = 0x9e3779b97f4a7c15;
    uint64_t sum = length;
    for (uint64_t word; length >= sizeof word; at += sizeof word, length -= sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = ((sum << 23 | sum >> 41) ^ word) * odd;
    }
    for (; length; at++, length--)
        sum = ((sum << 23 | sum >> 41) ^ (unsigned char)*at) * odd;
    return sum ^ sum >> 32;
}

/* Write one line of printable text; every now and then one that starts with a dot, stuffed (RFC 5321 4.5.2). */
static char *write_line(char *at, size_t number, uint64_t *chance)
{
    int length = LINE - 2;
    if (number % DOTTED == 0) {
        *at++ = '.';
        *at++ = '.';
        length--;
    }
    for (; length; length--) {
        *chance = *chance * 6364136223846793005u + 1442695040888963407u;
        *at++ = (char)('0' + (*chance >> 33) % 75);
    }
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

void message_prepare(void)
{
    const char *fields = "From: <source@load.test>\r\nTo: <recipients@load.test>\r\n"
                         "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: %.*s\r\n\r\n";
    char filling[LINE];  /* all lines of the body have one length; the subject makes up for it */
    memset(filling, 'x', sizeof filling);
    size_t size = (size_t)opt.size, left = size - (size_t)snprintf(NULL, 0, first_fields, 0ul, 0l, 0ul, 0l, 0ull)
                                           - (size_t)snprintf(NULL, 0, fields, 0, "");
    size_t lines = left / LINE, above = (size_t)snprintf(rest, sizeof rest, fields, (int)(left % LINE), filling);

    char *at = text = malloc((lines + VARIANTS) * (LINE + 1)), *whole = malloc(size + lines);
    if (!text || !whole)
        die("malloc");
    uint64_t chance = 1;
    for (size_t i = 0; i < lines + VARIANTS; i++) {
        if (i < VARIANTS)
            variants[i].start = (size_t)(at - text);
        if (i >= lines)
            variants[i - lines].end = (size_t)(at - text);
        at = write_line(at, i, &chance);
    }
    memcpy(whole, rest, above);
    for (struct variant *v = variants; v < variants + VARIANTS; v++) {
        memcpy(whole + above, text + v->start, v->end - v->start);
        v->checksum = checksum(whole, above + message_unstuff(whole + above, v->end - v->start));
    }
    free(whole);
}

void message_put(struct stream *s, long number)
{
    const struct variant *v = &variants[number % VARIANTS];
    unsigned long run = (unsigned long)opt.run;
    stream_say(s, first_fields, run, number, run, number, (unsigned long long)v->checksum);
    stream_say(s, "%s", rest);
    stream_put(s, text + v->start, v->end - v->start);
    stream_say(s, ".\r\n");
}

/* Take away, in place, the dot that was put before each line that starts with one; returns the new length. */
size_t message_unstuff(char *content, size_t length)
{
    char *to = content, *from = content, *end = content + length;
    if (length && *from == '.')
        from++;
    for (char *dot; (dot = memmem(from, (size_t)(end - from), "\r\n.", 3)); from = dot + 3) {
        size_t kept = (size_t)(dot + 2 - from);
        memmove(to, from, kept);
        to += kept;
    }
    memmove(to, from, (size_t)(end - from));
    return (size_t)(to - content) + (size_t)(end - from);
}

enum verdict message_check(const char *content, size_t length, long *number)
{
    static const char field[] = "\r\nX-Load: ";
    enum { VALUE = 8 + 1 + 8 + 1 + 16 };
    const char *at = memmem(content, length, field, sizeof field - 1), *end = content + length;
    if (!at || end - (at += sizeof field - 1) < VALUE + 2)
        return FOREIGN;
    char value[VALUE + 1] = "";
    memcpy(value, at, VALUE);
    unsigned long run;
    unsigned long long sum;
    if (sscanf(value, "%lx %ld %llx", &run, number, &sum) != 3 || run != (unsigned long)opt.run)
        return FOREIGN;
    at += VALUE + 2;
    return checksum(at, (size_t)(end - at)) == sum ? INTACT : DAMAGED;
}
