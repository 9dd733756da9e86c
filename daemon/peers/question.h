/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>

#include "bus-calls.h"

/* A question to machined or systemd, and its answer without the message that brought it. */
typedef struct Question Question;

typedef enum QuestionResult {
        QUESTION_YES,
        QUESTION_NO,
        QUESTION_UNANSWERED, /* whoever was asked could not answer */
} QuestionResult;

/* id: what was asked for, if that is an id and the result is YES; else NULL. Called once; frees the question. */
typedef void (*QuestionHandler)(QuestionResult result, const sd_id128_t *id, void *userdata);

/* How a peer reads the answer. *ret_has_id: *ret_id was set. */
typedef QuestionResult (*QuestionReader)(
        sd_bus_message *reply, void *peer, sd_id128_t *ret_id, bool *ret_has_id);

/* For the peers: asks by this message. Errors as bus_call(). */
int question_ask(BusCalls *calls, sd_bus_message *message, QuestionReader reader, void *peer,
        QuestionHandler handler, void *userdata, Question **ret);

/* Before it was answered: takes it back. */
Question *question_free(Question *question);
