/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>

#include "bus-calls.h"

/* A question to machined or systemd. The answer is passed on without the message. */
typedef struct Question Question;

typedef enum QuestionResult {
        QUESTION_YES,
        QUESTION_NO,
        QUESTION_UNANSWERED, /* no answer from the peer */
} QuestionResult;

/* id: the id that was asked for, if the result is YES; else NULL. Called once; must free the question. */
typedef void (*QuestionHandler)(QuestionResult result, const sd_id128_t *id, void *userdata);

/* Reads a peer's answer. *ret_has_id: *ret_id was set. */
typedef QuestionResult (*QuestionReader)(
        sd_bus_message *reply, void *peer, sd_id128_t *ret_id, bool *ret_has_id);

/* For the peers: sends a question with this message. Errors as bus_call(). */
int question_ask(BusCalls *calls, sd_bus_message *message, QuestionReader reader, void *peer,
        QuestionHandler handler, void *userdata, Question **ret);

/* Cancels the question if it has not been answered. Returns NULL. */
Question *question_free(Question *question);
