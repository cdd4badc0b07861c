/*
 * read_node.h
 *	  A QueryNode -> how its level is read and written.
 */
#ifndef RELATIONS_READ_NODE_H
#define RELATIONS_READ_NODE_H

#include "read_plan.h"

extern ReadNode *make_read_node(ReadPlan *plan, QueryNode *query, ReadNode *parent);

#endif							/* RELATIONS_READ_NODE_H */
