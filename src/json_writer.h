/*
 * json_writer.h
 *	  Rows -> the text of Jsonb documents, by template.
 */
#ifndef RELATIONS_JSON_WRITER_H
#define RELATIONS_JSON_WRITER_H

#include "jsonb_writer.h"

extern const DocFormat json_format;

extern void json_append(DocBuffer *buf, const char *data, Size n);

#endif							/* RELATIONS_JSON_WRITER_H */
