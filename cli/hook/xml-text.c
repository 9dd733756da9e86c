/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-text.h"

#include "macro.h"

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Does not clear the buffer, which is large, because texts begin often. */
static void begin(XmlText *text, size_t max, bool trim) {
        text->active = true;
        text->trim = trim;
        text->too_long = false;
        text->max = max;
        text->n = 0;
}

void xml_text_begin(XmlText *text, size_t max) {
        begin(text, max, false);
}

void xml_text_begin_trimmed(XmlText *text, size_t max) {
        begin(text, max, true);
}

void xml_text_add(XmlText *text, const char *part, size_t n) {
        if (!text->active || text->too_long)
                return;

        for (; n > 0; part++, n--) {
                if (text->trim && is_blank(*part) && (text->n == 0 || text->n >= text->max))
                        continue; /* before the text, or after it unless more follows, which is too long */
                if (text->n >= text->max) {
                        text->too_long = true;
                        return;
                }
                text->text[text->n++] = *part;
        }
}

const char *xml_text_end(XmlText *text) {
        text->active = false;
        while (text->trim && text->n > 0 && is_blank(text->text[text->n - 1]))
                text->n--;
        text->text[text->n] = '\0';

        return text->too_long ? NULL : text->text;
}
