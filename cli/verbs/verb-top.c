/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <sys/ioctl.h>

#include "client.h"
#include "clock.h"
#include "full-screen.h"
#include "table.h"
#include "verbs.h"

#define DELAY_DEFAULT_USEC (2 * USEC_PER_SEC)

#define SCREEN_HOME "\033[H"
#define LINE_CLEAR  "\033[K"
#define BELOW_CLEAR "\033[J"

static const char top_columns[] = "NAME,STATE,QUOTA,ALLOCATED,USAGE,PEAK,DENIED,WARNINGS",
                  attached_columns[] = "NAME,STATE,QUOTA,ALLOCATED,ATTACHED,USAGE,PEAK,DENIED,WARNINGS";

typedef struct Top {
        const Options *options;
        Client client;
        Columns columns;
        const InfoField *sort;
        bool reverse;
        FullScreen *screen; /* NULL: print once, without keys */
} Top;

static void top_clear(Top *top) {
        top->screen = full_screen_close(top->screen);
        columns_clear(&top->columns);
        client_close(&top->client);
}

/* Keys that select the sort column. */
static const struct {
        char key;
        const char *column;
} sort_keys[] = {
        { 'n', "NAME" },
        { 'a', "ALLOCATED" },
        { 't', "ATTACHED" },
        { 'u', "USAGE" },
        { 'p', "PEAK" },
        { 'd', "DENIED" },
        { 'Q', "QUOTA" },
};

static const InfoField *sort_field(const char *column) {
        _cleanup_(columns_clear) Columns columns = {};
        _cleanup_free_ char *bad = NULL;

        if (columns_parse(&vm_table, column, &columns, &bad) < 0 || columns.n_fields != 1 ||
                columns.fields[0]->type == INFO_SETS || columns.fields[0]->type == INFO_WARNINGS)
                return NULL;
        return columns.fields[0];
}

static int order(const void *a, const void *b, void *userdata) {
        const Top *top = userdata;
        const VmInfo *x = a, *y = b;
        int r;

        r = info_compare(top->sort, x, y);
        /* Numbers sort in descending order. */
        if (top->sort->type != INFO_STRING)
                r = -r;
        if (top->reverse)
                r = -r;
        return r != 0 ? r : strcmp(strempty(x->name), strempty(y->name));
}

/* The column ATTACHED is shown by default only if a VM has PASIDs attached. */
static CtlExitStatus choose_columns(Top *top, const VmList *list) {
        InfoTable table = vm_table;

        columns_clear(&top->columns);
        table.columns = vm_list_has_attached(list) ? attached_columns : top_columns;
        return columns_from_options(&table, top->options, &top->columns);
}

static void print_totals(FILE *f, const Top *top, const ManagerInfo *manager, size_t n_vms) {
        char text[16], attached[32] = "";
        time_t now = time(NULL);
        struct tm tm;

        if (!localtime_r(&now, &tm) || strftime(text, sizeof(text), "%H:%M:%S", &tm) == 0)
                *text = 0;
        if (manager->attached > 0)
                snprintf(attached, sizeof(attached), ", %" PRIu32 " attached", manager->attached);
        fprintf(f,
                "%s  %s, %zu virtual machine%s, %" PRIu32 " of %" PRIu32 " PASIDs held%s, %" PRIu64
                " committed\n",
                text, strempty(manager->state), n_vms, n_vms == 1 ? "" : "s", manager->allocated,
                manager->capacity, attached, manager->committed);
        fprintf(f, "by %s%s", top->sort->column, top->reverse ? ", reversed" : "");
        fprintf(f, "%s\n\n",
                top->screen
                        ? "   n name, a allocated, t attached, u usage, p peak, d denied, Q quota, r reverse, q quit"
                        : "");
}

/* Clears each line, so that nothing of the previous output remains. Prints only the lines that fit. */
static void paint(const char *text) {
        struct winsize size = {};
        unsigned rows;

        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        rows = size.ws_row > 1 ? size.ws_row - 1U : 24;

        fputs(SCREEN_HOME, stdout);
        while (*text && rows-- > 0) {
                size_t length = strcspn(text, "\n");

                /* Clear first: clearing at the end of a line that is too long would erase its last
                 * character. */
                printf(LINE_CLEAR "%.*s\n", (int) length, text);
                text += length + (text[length] == '\n');
        }
        fputs(BELOW_CLEAR, stdout);
}

static CtlExitStatus print_look(Top *top, const VmList *list, const ManagerInfo *manager) {
        const Rows rows = { &vm_table, list->vms, list->n_vms };
        bool legend = !top->options->no_legend;
        FILE *f = stdout;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (top->options->json != JSON_OFF)
                return table_show(&rows, &top->columns, top->options);

        if (top->screen) {
                f = open_memstream(&text, &size);
                if (!f)
                        return fail_oom();
        }
        if (legend)
                print_totals(f, top, manager, list->n_vms);
        r = table_print(f, &rows, &top->columns, legend, top->options->colors);
        if (top->screen) {
                if (fclose(f) != 0)
                        return fail_oom();
                paint(text);
        }
        return r < 0 ? fail(CTL_EXIT_FAILURE, "Cannot print the table: %s.", strerror(-r)) : CTL_EXIT_OK;
}

static CtlExitStatus look(Top *top) {
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(vm_list_clear) VmList list = {};
        CtlExitStatus status;

        status = client_list_vms(&top->client, &list);
        if (status == CTL_EXIT_OK)
                status = client_read_manager(&top->client, &manager);
        if (status != CTL_EXIT_OK)
                return status;
        status = choose_columns(top, &list);
        if (status != CTL_EXIT_OK)
                return status;
        if (list.n_vms > 1)
                qsort_r(list.vms, list.n_vms, sizeof(VmInfo), order, top);

        status = print_look(top, &list, &manager);
        if (status == CTL_EXIT_OK && fflush(stdout) != 0)
                return fail(CTL_EXIT_FAILURE, "Cannot write the output: %s.", strerror(errno));
        return status;
}

/* Returns false when the user quits. */
static bool take_key(Top *top, char key) {
        if (key == 'q')
                return false;
        if (key == 'r')
                top->reverse = !top->reverse;
        for (size_t i = 0; i < ELEMENTSOF(sort_keys); i++)
                if (sort_keys[i].key == key)
                        top->sort = sort_field(sort_keys[i].column);
        return true;
}

/* Waits until the next update is due or requested. Returns false when the user quits. */
static bool wait_for_next(Top *top) {
        uint64_t delay = top->options->delay_usec ?: DELAY_DEFAULT_USEC;
        char key;

        if (!top->screen) {
                const struct timespec timespec = {
                        .tv_sec = (time_t) (delay / USEC_PER_SEC),
                        .tv_nsec = (long) (delay % USEC_PER_SEC * 1000),
                };

                return nanosleep(&timespec, NULL) >= 0 || errno == EINTR;
        }

        switch (full_screen_wait(top->screen, delay, &key)) {

        case SCREEN_TIMEOUT:
        case SCREEN_REPAINT:
                return true;

        case SCREEN_KEY:
                return take_key(top, key);

        default:
                return false;
        }
}

CtlExitStatus verb_top(const Options *options, int argc, char **argv) {
        _cleanup_(top_clear) Top top = { .options = options, .reverse = options->reverse };
        bool terminal = options->json == JSON_OFF && full_screen_possible();
        uint64_t iterations = options->iterations;
        CtlExitStatus status;
        int r;

        /* Report an invalid -o before any call. */
        status = choose_columns(&top, &(VmList) {});
        if (status != CTL_EXIT_OK)
                return status;
        top.sort = sort_field(options->sort ?: "ALLOCATED");
        if (!top.sort)
                return fail(CTL_EXIT_USAGE, "Cannot sort by '%s', see -o in pasidctl(1) for the columns.",
                        options->sort);

        status = client_open(options, &top.client);
        if (status != CTL_EXIT_OK)
                return status;

        if (terminal) {
                r = full_screen_open(&top.screen);
                if (r < 0)
                        return fail(CTL_EXIT_FAILURE, "Cannot use the terminal: %s.", strerror(-r));
        } else if (iterations == 0)
                iterations = 1;

        do {
                status = look(&top);
                if (status != CTL_EXIT_OK)
                        return status;
        } while ((iterations == 0 || --iterations > 0) && wait_for_next(&top));

        return CTL_EXIT_OK;
}
