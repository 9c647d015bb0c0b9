/* A libxenctrl without a hypervisor: it answers the calls of libxenguest's save with a scripted HVM guest, and leaves all else
 * to the real library, REAL. Built with the headers of libxen-dev against a real libxenguest of Xen 4.17.
 *
 * XEN_SCRIPT names a file as in xenguest.c; only one save a process.
 */
#define __XEN_TOOLS__ 1
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xencall.h>
#include <xen/domctl.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

static struct { long p2m, p2m_told, chunk_us, final, dirty[64]; int n, pass, asked; } script;

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild, unsigned flags)
{
    void *real = dlopen(REAL, RTLD_NOW);
    xc_interface *(*open)(xentoollog_logger *, xentoollog_logger *, unsigned) = dlsym(real, "xc_interface_open");
    FILE *f = fopen(getenv("XEN_SCRIPT"), "r");
    if (!f || fscanf(f, " p2m %ld p2m_told %ld chunk_us %ld final %ld dirty", &script.p2m, &script.p2m_told,
                     &script.chunk_us, &script.final) != 4)
        abort();
    while (script.n < 64 && fscanf(f, "%ld", &script.dirty[script.n]) == 1)
        script.n++;
    fclose(f);
    return open(logger, dombuild, flags | XC_OPENFLAG_DUMMY);
}

int xc_domain_getinfo(xc_interface *xch, uint32_t domid, unsigned count, xc_dominfo_t *info)
{
    (void)xch, (void)count;
    memset(info, 0, sizeof(*info));
    info->domid = domid, info->hvm = 1, info->nr_pages = script.p2m;
    /* The second question comes after the suspend callback. */
    info->shutdown = script.asked++ > 0, info->shutdown_reason = SHUTDOWN_suspend;
    return 1;
}

int xc_domain_nr_gpfns(xc_interface *xch, uint32_t domid, xen_pfn_t *pages)
{
    /* libxenguest asks first, for its loop; the helper asks to prove what the loop shows it. */
    static int asked;
    (void)xch, (void)domid;
    *pages = asked++ ? script.p2m_told : script.p2m;
    return 0;
}

int xc_shadow_control(xc_interface *xch, uint32_t domid, unsigned op, unsigned *mb, unsigned mode)
{
    (void)xch, (void)domid, (void)op, (void)mb, (void)mode;
    return 0;
}

long long xc_logdirty_control(xc_interface *xch, uint32_t domid, unsigned op, xc_hypercall_buffer_t *bitmap,
                              unsigned long pages, unsigned mode, xc_shadow_op_stats_t *stats)
{
    long dirty = mode & XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL ? script.final
                                                         : script.dirty[script.pass < script.n ? script.pass : script.n - 1];
    unsigned char *bits = bitmap->hbuf;
    (void)xch, (void)domid, (void)op;
    script.pass++;
    memset(bits, 0, pages / 8);
    for (long i = 0; i < dirty; i++)
        bits[i / 8] |= 1 << i % 8;
    if (stats)
        stats->dirty_count = dirty, stats->fault_count = 0;
    return pages;
}

int xc_get_pfn_type_batch(xc_interface *xch, uint32_t domid, unsigned count, xen_pfn_t *types)
{
    (void)xch, (void)domid;
    memset(types, 0, count * sizeof(*types));
    return 0;
}

void *xenforeignmemory_map(xenforeignmemory_handle *handle, uint32_t domid, int prot, size_t pages, const xen_pfn_t *list,
                           int *errors)
{
    (void)handle, (void)domid, (void)list;
    memset(errors, 0, pages * sizeof(*errors));
    usleep(script.chunk_us);
    return mmap(NULL, pages * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *handle, void *memory, size_t pages)
{
    (void)handle;
    return munmap(memory, pages * 4096);
}

int xc_version(xc_interface *xch, int command, void *to)
{
    (void)xch, (void)command, (void)to;
    return 4 << 16 | 17;
}

/* The hypercalls that libxenguest makes by itself: the size of a CPU policy, and the guest's, here an empty one. */
int xencall1(xencall_handle *handle, unsigned op, uint64_t argument)
{
    struct xen_sysctl *size = (void *)argument;
    struct xen_domctl *policy = (void *)argument;
    (void)handle;
    if (op == __HYPERVISOR_sysctl)
        size->u.cpu_policy.nr_leaves = 400, size->u.cpu_policy.nr_msrs = 40;
    else
        policy->u.cpu_policy.nr_leaves = policy->u.cpu_policy.nr_msrs = 0;
    return 0;
}

int xc_domain_get_tsc_info(xc_interface *xch, uint32_t domid, uint32_t *mode, uint64_t *ns, uint32_t *khz, uint32_t *incarnation)
{
    (void)xch, (void)domid;
    *mode = *khz = *incarnation = 0, *ns = 0;
    return 0;
}

int xc_domain_hvm_getcontext(xc_interface *xch, uint32_t domid, uint8_t *to, uint32_t size)
{
    (void)xch, (void)domid;
    if (to)
        memset(to, 0, size);
    return 64;
}

int xc_hvm_param_get(xc_interface *xch, uint32_t domid, uint32_t param, uint64_t *value)
{
    (void)xch, (void)domid, (void)param;
    *value = 1;
    return 0;
}

int xc__hypercall_bounce_pre(xc_interface *xch, xc_hypercall_buffer_t *buffer)
{
    (void)xch;
    buffer->hbuf = buffer->ubuf;
    return 0;
}

void xc__hypercall_bounce_post(xc_interface *xch, xc_hypercall_buffer_t *buffer)
{
    (void)xch, (void)buffer;
}

void *xc__hypercall_buffer_alloc(xc_interface *xch, xc_hypercall_buffer_t *buffer, size_t size)
{
    (void)xch;
    return buffer->hbuf = calloc(1, size);
}

void xc__hypercall_buffer_free(xc_interface *xch, xc_hypercall_buffer_t *buffer)
{
    (void)xch;
    free(buffer->hbuf);
}

void *xc__hypercall_buffer_alloc_pages(xc_interface *xch, xc_hypercall_buffer_t *buffer, int pages)
{
    return xc__hypercall_buffer_alloc(xch, buffer, pages * 4096L);
}

void xc__hypercall_buffer_free_pages(xc_interface *xch, xc_hypercall_buffer_t *buffer, int pages)
{
    (void)pages;
    xc__hypercall_buffer_free(xch, buffer);
}
