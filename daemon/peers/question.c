/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "question.h"

struct Question {
        BusCall *call;
        QuestionReader reader;
        void *peer;
        QuestionHandler handler;
        void *userdata;
};

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Question *q = userdata;
        QuestionResult result;
        bool has_id = false;
        sd_id128_t id;

        result = q->reader(reply, q->peer, &id, &has_id);
        q->handler(result, has_id ? &id : NULL, q->userdata);
        return 0;
}

int question_ask(BusCalls *calls, sd_bus_message *message, QuestionReader reader, void *peer,
        QuestionHandler handler, void *userdata, Question **ret) {
        Question *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->reader = reader;
        q->peer = peer;
        q->handler = handler;
        q->userdata = userdata;
        r = bus_call(calls, message, on_reply, q, &q->call);
        if (r < 0) {
                free(q);
                return r;
        }

        *ret = q;
        return 0;
}

Question *question_free(Question *question) {
        if (!question)
                return NULL;

        bus_call_free(question->call);
        free(question);
        return NULL;
}
