/*
 * relations from C, by libpq.
 *
 * In a database with the extension, and with none of these tables:
 *	cc -I$(pg_config --includedir) -L$(pg_config --libdir) -o example libpq.c -lpq
 *	PGDATABASE=example ./example
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpq-fe.h"

static PGconn *db;

static void
done(const char *step)
{
	static int	steps = 0;

	printf("ok %d - %s\n", ++steps, step);
	fflush(stdout);
}

static void
same(const char *got, const char *expected)
{
	if (got == NULL || strcmp(got, expected) != 0)
	{
		fprintf(stderr, "expected %s, got %s\n", expected, got != NULL ? got : "null");
		exit(1);
	}
}

/* Run a statement with text parameters, whose types the server finds out. */
static PGresult *
try(const char *sql, int nparams, const char *const *params)
{
	return PQexecParams(db, sql, nparams, NULL, params, NULL, NULL, 0);
}

/* The same; an error ends the program. */
static PGresult *
run(const char *sql, int nparams, const char *const *params)
{
	PGresult   *result = try(sql, nparams, params);

	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		fprintf(stderr, "%s\n%s", sql, PQresultErrorMessage(result));
		exit(1);
	}
	return result;
}

/* The first value of a result, NULL when it is null.  Results are kept to the end, for the sake of shortness. */
static const char *
value(PGresult *result)
{
	return PQntuples(result) == 0 || PQgetisnull(result, 0, 0) ? NULL : PQgetvalue(result, 0, 0);
}

#define PARAMS(...) (const char *const[]) {__VA_ARGS__}

/* The name in the document of the user with a key, sent as a binary bigint. */
static const char *
name_of(int64_t key)
{
	unsigned char bytes[8];
	const char *param = (const char *) bytes;
	Oid			bigint = 20;
	int			length = sizeof(bytes);
	int			binary = 1;

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char) ((uint64_t) key >> (56 - 8 * i));
	return value(PQexecParams(db, "SELECT relations.find('users', $1) ->> 'name'", 1, &bigint, &param, &length, &binary, 0));
}

/*
 * Send the text of a key as a binary relations.key, which key_recv reads, and
 * have it come back in binary, as key_send writes it.
 */
static const char *
key_and_back(const char *key)
{
	Oid			type = (Oid) strtoul(value(run("SELECT 'relations.key'::regtype::oid", 0, NULL)), NULL, 10);
	int			length = (int) strlen(key);
	int			binary = 1;

	return value(PQexecParams(db, "SELECT $1", 1, &type, &key, &length, &binary, 1));
}

int
main(void)
{
	PGresult   *result;
	const char *id;

	db = PQconnectdb("");		/* PGHOST, PGDATABASE and the like say where */
	if (PQstatus(db) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(db));
		return 1;
	}

	run("CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE)", 0, NULL);
	run("CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bio text)", 0, NULL);
	run("CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, views int DEFAULT 0)", 0, NULL);
	run("SELECT relations.has_one('users', 'profile', 'profiles', add_column => true)", 0, NULL);
	result = run("SELECT constraint_name FROM relations.has_many($1, $2, $3, add_column => true)",
				 3, PARAMS("users", "posts", "posts"));
	same(value(result), "posts_user_id_fkey");
	run("SELECT relations.create_view('users_graph', 'users', 'profile', 'posts')", 0, NULL);
	done("declares relations");

	result = run("INSERT INTO users_graph (name, email, profile, posts) VALUES ($1, $2, $3, $4) RETURNING id, posts -> 1 ->> 'user_id'",
				 4, PARAMS("Jürgen", "j@test.com", "{\"bio\": \"Writer\"}",
						   "[{\"title\": \"Größe\"}, {\"title\": \"Two\", \"views\": 7}]"));
	id = value(result);
	same(PQgetvalue(result, 0, 1), id);
	done("creates a graph through the view");

	result = run("SELECT relations.create('users', $1)",
				 1, PARAMS("{\"name\": \"Mina\", \"email\": \"mina@test.com\", \"posts\": [{\"title\": \"Mine\"}]}"));
	same(value(result),
		 "{\"id\": 2, \"name\": \"Mina\", \"email\": \"mina@test.com\", "
		 "\"posts\": [{\"id\": 3, \"title\": \"Mine\", \"views\": 0, \"user_id\": 2}]}");
	done("creates a graph by a function");

	result = run("SELECT relations.preload('users', 'profile', 'posts')", 0, NULL);
	if (PQntuples(result) != 2)
		same("another number of documents", "2 documents");
	same(PQgetvalue(result, 1, 0),
		 "{\"id\": 2, \"name\": \"Mina\", \"email\": \"mina@test.com\", "
		 "\"posts\": [{\"id\": 3, \"title\": \"Mine\", \"views\": 0, \"user_id\": 2}], \"profile\": null}");
	done("preloads");

	/* a key without a type, then one of a type */
	same(value(run("SELECT relations.find('users', $1) ->> 'name'", 1, PARAMS(id))), "Jürgen");
	same(name_of(2), "Mina");
	if (name_of(4711) != NULL)
		same("a document", "no document");
	same(key_and_back("it's (7,42)"), "it's (7,42)");
	done("finds a row by a parameter");

	result = run("SELECT relations.query('users', $1, $2) ->> 'name'",
				 2, PARAMS("{\"where\": {\"posts\": {\"some\": {\"views\": {\"gte\": \"$least\"}}}}}", "{\"least\": 5}"));
	if (PQntuples(result) != 1)
		same("another number of documents", "1 document");
	same(value(result), "Jürgen");
	done("queries with parameters");

	/* C has no JSON of its own: PostgreSQL takes the document apart */
	result = run("SELECT u -> 'profile' ->> 'bio', u -> 'posts' -> 0 ->> 'title' FROM relations.find('users', $1, 'profile', 'posts') AS u",
				 1, PARAMS(id));
	same(PQgetvalue(result, 0, 0), "Writer");
	same(PQgetvalue(result, 0, 1), "Größe");
	done("reads a value out of a document");

	result = run("UPDATE users_graph SET profile = $1, posts = $2 WHERE id = $3 RETURNING profile ->> 'bio', posts -> 0 ->> 'title'",
				 3, PARAMS("{\"bio\": \"Editor\"}", "[{\"title\": \"Three\"}]", id));
	same(PQgetvalue(result, 0, 0), "Editor");
	same(PQgetvalue(result, 0, 1), "Three");
	done("updates through the view");

	result = try("SELECT relations.create('users', $1)",
				 1, PARAMS("{\"name\": \"Vic\", \"posts\": [{\"title\": \"A\"}, {\"views\": \"many\"}]}"));
	same(PQresultErrorField(result, PG_DIAG_SQLSTATE), "22P02");
	same(PQresultErrorField(result, PG_DIAG_CONTEXT), "document \"posts[1].views\"");
	done("tells the code and the place of an error");

	PQfinish(db);
	return 0;
}
