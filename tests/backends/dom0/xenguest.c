/* A libxenguest and libxenctrl with a scripted guest: the loop of send_memory_live(), call by call, over dirty counts out of a
 * file. Build with -DSTATS16 for the 16-byte struct precopy_stats of Xen 4.14.
 *
 * The file named by XEN_SCRIPT holds "p2m PAGES p2m_told PAGES chunk_us MICROSECONDS final PAGES dirty PAGES...";
 * the last dirty count is repeated for ever, and none is a host that cannot log dirty pages.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct logger {
    void (*message)(struct logger *, int, int, const char *, const char *, va_list);
    void (*progress)(struct logger *, const char *, const char *, int, unsigned long, unsigned long);
    void (*destroy)(struct logger *);
};

struct stats {
    unsigned iteration;
#ifdef STATS16
    unsigned total_written;
#else
    unsigned long total_written;
#endif
    long dirty_count;
};

struct callbacks {
    int (*suspend)(void *);
    int (*policy)(struct stats, void *);
    int (*postcopy)(void *), (*checkpoint)(void *), (*wait_checkpoint)(void *);
    int (*logdirty)(uint32_t, unsigned, void *);
    void *data;
};

static struct { long p2m, p2m_told, chunk_us, final, dirty[64]; int n; } script;

static void read_script(void)
{
    FILE *f = fopen(getenv("XEN_SCRIPT"), "r");
    if (!f || fscanf(f, " p2m %ld p2m_told %ld chunk_us %ld final %ld dirty", &script.p2m, &script.p2m_told,
                     &script.chunk_us, &script.final) != 4)
        abort();
    while (script.n < 64 && fscanf(f, "%ld", &script.dirty[script.n]) == 1)
        script.n++;
    fclose(f);
}

static void say(struct logger *log, int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log->message(log, level, -1, "xc", format, args);
    va_end(args);
}

void *xc_interface_open(struct logger *log, struct logger *dombuild, unsigned flags)
{
    (void)dombuild, (void)flags;
    read_script();
    return log;
}

int xc_domain_nr_gpfns(void *xch, uint32_t domid, unsigned long *pages)
{
    (void)xch, (void)domid;
    *pages = script.p2m_told;
    return 0;
}

static int send_pages(struct logger *log, int fd, const char *what, long pages)
{
    for (long done = 0; done < pages; done += 1024) {
        log->progress(log, "xc", what, pages ? done * 100 / pages : 0, done, pages);
        usleep(script.chunk_us);
        while (write(fd, "pages...", 8) != 8)
            if (errno != EINTR)
                return -1;
    }
    log->progress(log, "xc", what, 100, pages, pages);
    return 0;
}

static int send_live(struct logger *log, int fd, struct callbacks *call, char *what)
{
    struct stats now = { 0, 0, script.p2m };
    for (int pass = 0;; pass++) {
        int answer = call->policy(now, call->data);
        snprintf(what, 64, "Frames iteration %d", pass);
        if (answer != -1 && now.dirty_count > 0 && send_pages(log, fd, what, now.dirty_count))
            return -1;
        if (answer == -1)
            say(log, 8, "Abort precopy loop (%d = Success): Internal error", 0);
        if (answer)
            return answer == -1 ? -1 : 0;
        now.iteration = pass + 1;
        now.total_written += now.dirty_count;
        now.dirty_count = -1;
        snprintf(what, 64, "Frames iteration %d", pass + 1);
        answer = call->policy(now, call->data);
        if (answer)
            return answer == -1 ? -1 : 0;
        now.dirty_count = script.dirty[pass < script.n ? pass : script.n - 1];
    }
}

int xc_domain_save(struct logger *log, int fd, uint32_t dom, uint32_t flags, struct callbacks *call, int type, int recv_fd)
{
    char what[64];
    int failed = 0;
    say(log, 5, "Saving domain %u, type x86 %s", dom, "HVM");
    (void)flags, (void)type, (void)recv_fd;
    if (call->postcopy || call->checkpoint || call->wait_checkpoint || call->data)
        abort();
    if (call->logdirty(dom, 1, call->data))
        return -1;
    if (!script.n) {
        say(log, 8, "Failed to enable logdirty: %d,%d,%d (%d = %s): Internal error", 95, 22, 0, EINVAL, strerror(EINVAL));
        call->logdirty(dom, 0, call->data);
        errno = EINVAL;
        return -1;
    }
    failed = send_live(log, fd, call, what);
    if (!failed && !call->suspend(call->data))
        errno = ETIMEDOUT, failed = -1;
    if (!failed) {
        log->progress(log, "xc", "Domain now suspended", 0, 0, 0);
        failed = send_pages(log, fd, what, script.final);
    }
    int kept = errno;
    if (failed)
        say(log, 8, "Save failed (%d = %s): Internal error", kept, strerror(kept));
    call->logdirty(dom, 0, call->data);
    errno = kept;
    return failed;
}
