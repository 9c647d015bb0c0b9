/* The only process of a lab guest: writes to memory at a set rate, checks what it wrote, and tells both on its console.
 *
 * guest MEBIBYTES PAGES_PER_SECOND HEARTBEAT_MS; later on its input, a line each: "rate PAGES_PER_SECOND".
 *
 * The first and last word of each page hold how often it was written and the complement of that. All pages are checked once a
 * second, so that a page which a migration lost or sent stale shows as `bad`.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 512 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void write_page(uint64_t *page, uint64_t count)
{
    page[0] = count;
    page[WORDS - 1] = ~count;
}

static void obey(double *rate)
{
    char text[64];
    ssize_t size = read(0, text, sizeof(text) - 1);
    long wanted;
    if (size <= 0)
        return;
    text[size] = 0;
    if (sscanf(text, "rate %ld", &wanted) == 1) {
        *rate = wanted;
        printf("RATE %ld\n", wanted);
    }
}

int main(int argc, char **argv)
{
    long pages = (argc > 1 ? atol(argv[1]) : 16) * 256, next = 0;
    double rate = argc > 2 ? atof(argv[2]) : 400, beat_s = (argc > 3 ? atof(argv[3]) : 100) / 1e3;
    uint64_t *memory = mmap(NULL, pages * WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    uint64_t *counts = calloc(pages, sizeof(*counts));
    unsigned long beats = 0, written = 0, bad = 0, sweeps = 0;
    double last = now_s(), beaten = 0, swept = last, due = 0;

    if (memory == MAP_FAILED || !counts)
        return 1;
    for (long i = 0; i < pages; i++)
        write_page(memory + i * WORDS, 0);
    fcntl(0, F_SETFL, O_NONBLOCK);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (;;) {
        struct timespec nap = { 0, 2000000 };
        nanosleep(&nap, NULL);
        double now = now_s();
        due += rate * (now - last < 0.05 ? now - last : 0.05); /* what a stall missed is not made up for */
        last = now;
        for (; due >= 1; due--, written++, next = (next + 1) % pages)
            write_page(memory + next * WORDS, ++counts[next]);
        if (now - swept >= 1) {
            for (long i = 0; i < pages; i++)
                bad += memory[i * WORDS] != counts[i] || memory[i * WORDS + WORDS - 1] != ~counts[i];
            swept = now, sweeps++;
        }
        if (now - beaten >= beat_s) {
            beaten = now;
            printf("BEAT %lu mono=%.6f written=%lu sweeps=%lu bad=%lu\n", beats++, now, written, sweeps, bad);
        }
        obey(&rate);
    }
}
