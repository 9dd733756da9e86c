/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-json.h"

typedef union BasicValue {
        uint8_t y;
        int b;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        double d;
        const char *s;
} BasicValue;

/* NULL when out of memory, and for a type that is not basic. */
static json_object *basic_to_json(char type, const BasicValue *value) {
        switch (type) {
        case 'y':
                return json_object_new_uint64(value->y);
        case 'b':
                return json_object_new_boolean(value->b);
        case 'n':
                return json_object_new_int64(value->n);
        case 'q':
                return json_object_new_uint64(value->q);
        case 'i':
        case 'h':
                return json_object_new_int64(value->i);
        case 'u':
                return json_object_new_uint64(value->u);
        case 'x':
                return json_object_new_int64(value->x);
        case 't':
                return json_object_new_uint64(value->t);
        case 'd':
                return json_object_new_double(value->d);
        case 's':
        case 'o':
        case 'g':
                return json_object_new_string(value->s);
        default:
                return NULL;
        }
}

static int read_json_basic(sd_bus_message *m, char type, json_object **ret) {
        json_object *object;
        BasicValue value;
        int r;

        if (!strchr("ybnqihuxtdsog", type))
                return -EBADMSG;
        r = sd_bus_message_read_basic(m, type, &value);
        if (r < 0)
                return r;
        object = basic_to_json(type, &value);
        if (!object)
                return -ENOMEM;

        *ret = object;
        return 0;
}

static int read_json_dictionary(sd_bus_message *m, json_object **ret) {
        _cleanup_json_ json_object *object = json_object_new_object();
        char type;
        const char *contents;
        int r;

        if (!object)
                return -ENOMEM;

        while ((r = sd_bus_message_peek_type(m, &type, &contents)) > 0) {
                _cleanup_json_ json_object *key = NULL, *value = NULL;

                r = sd_bus_message_enter_container(m, type, contents);
                if (r < 0)
                        return r;
                r = bus_read_json(m, &key);
                if (r < 0)
                        return r;
                r = bus_read_json(m, &value);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;

                if (json_object_object_add(object, json_object_get_string(key), value) < 0)
                        return -ENOMEM;
                TAKE_PTR(value);
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(object);
        return 0;
}

int bus_read_json_rest(sd_bus_message *m, json_object **ret) {
        _cleanup_json_ json_object *array = json_object_new_array();
        int r;

        if (!array)
                return -ENOMEM;

        for (;;) {
                _cleanup_json_ json_object *value = NULL;

                r = bus_read_json(m, &value);
                if (r == -ENODATA)
                        break;
                if (r < 0)
                        return r;
                if (json_object_array_add(array, value) < 0)
                        return -ENOMEM;
                TAKE_PTR(value);
        }

        *ret = TAKE_PTR(array);
        return 0;
}

int bus_read_json(sd_bus_message *m, json_object **ret) {
        _cleanup_json_ json_object *object = NULL;
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENODATA;

        if (!strchr("avr", type))
                return read_json_basic(m, type, ret);

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;

        if (type == 'v')
                r = bus_read_json(m, &object);
        else if (type == 'a' && contents[0] == '{')
                r = read_json_dictionary(m, &object);
        else
                r = bus_read_json_rest(m, &object);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(object);
        return 0;
}
