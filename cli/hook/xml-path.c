/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-path.h"

#include "macro.h"

static bool is_at(const XmlPlace *place, const XmlElement *element) {
        if (place->namespace && streq(place->namespace, XML_NAMESPACE_ANY))
                return streq(element->name, place->name);

        return xml_element_is(element, place->namespace, place->name);
}

static unsigned find(const XmlPath *path, const XmlElement *element) {
        if (element->depth != path->depth + 1)
                return 0; /* in an element that is not followed */

        for (unsigned i = 1; i < path->n_places; i++)
                if (path->places[i].parent == path->place && is_at(&path->places[i], element))
                        return i;

        return 0;
}

unsigned xml_path_enter(XmlPath *path, const XmlElement *element) {
        unsigned place = find(path, element);

        if (place == 0 || (path->places[place].only_first && path->seen[place] > 0))
                return 0;

        path->seen[place]++;
        for (unsigned i = 1; i < path->n_places; i++)
                if (path->places[i].parent == place)
                        path->seen[i] = 0;
        path->place = place;
        path->depth++;
        return place;
}

unsigned xml_path_leave(XmlPath *path, unsigned depth) {
        unsigned place = path->place;

        if (place == 0 || depth != path->depth)
                return 0;

        path->place = path->places[place].parent;
        path->depth--;
        return place;
}
