/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Collects a text that comes in parts, up to a maximum length. */

#define XML_TEXT_MAX 4096U

typedef struct XmlText {
        bool active;
        bool trim;
        bool too_long;
        size_t max;
        size_t n;
        char text[XML_TEXT_MAX + 1];
} XmlText;

/* Begins a text. max is at most XML_TEXT_MAX. */
void xml_text_begin(XmlText *text, size_t max);

/* The same, without the blanks around the text, which are indentation. They do not count for the length. */
void xml_text_begin_trimmed(XmlText *text, size_t max);

/* Adds a part. Does nothing if no text was begun. */
void xml_text_add(XmlText *text, const char *part, size_t n);

/* Ends the text. Returns the text, which is valid until the next beginning, or NULL if it is too long. */
const char *xml_text_end(XmlText *text);
