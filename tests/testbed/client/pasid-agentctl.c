/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the agent in a VM's QEMU to run one command; prints what it answers. */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "pasid-agent.h"

int main(int argc, char *argv[]) {
        struct sockaddr_un address;
        socklen_t length;
        char line[1024];
        FILE *stream;
        int fd, status = 3;

        if (argc < 3) {
                fprintf(stderr,
                        "Usage: pasid-agentctl VM COMMAND…\n"
                        "Exit status: 0 done, 1 refused by the kernel, 2 usage, 3 no agent or no container.\n");
                return 2;
        }

        length = pasid_agent_address(&address, argv[1]);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (length == 0 || fd < 0 || connect(fd, (struct sockaddr *) &address, length) < 0) {
                perror("pasid-agentctl: cannot reach the VM's agent");
                return 3;
        }
        for (int i = 2; i < argc; i++)
                dprintf(fd, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
        stream = fdopen(fd, "r");
        if (!stream) {
                perror("pasid-agentctl");
                return 3;
        }
        while (fgets(line, sizeof(line), stream))
                if (sscanf(line, "exit %d", &status) != 1)
                        fputs(line, stdout);
        fclose(stream);
        return status;
}
