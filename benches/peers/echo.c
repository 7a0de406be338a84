/* The least that a plugin can do: it answers each message, and looks at nothing but
 * the id and the name of the method. What it needs is what the pipes cost. */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes {
	char *at;
	size_t used, room;
};

static void reserve(struct bytes *b, size_t more)
{
	if (b->used + more <= b->room)
		return;
	while (b->used + more > b->room)
		b->room = b->room ? b->room * 2 : 1 << 17;
	b->at = realloc(b->at, b->room);
	if (!b->at)
		err(1, "memory");
}

static void add(struct bytes *b, const char *text, size_t length)
{
	reserve(b, length);
	memcpy(b->at + b->used, text, length);
	b->used += length;
}

static void say(struct bytes *b, const char *text)
{
	add(b, text, strlen(text));
}

static unsigned long seen;

static const char manifest[] =
	"{\"options\":[],\"rpcmethods\":["
	"{\"name\":\"peer-echo\",\"usage\":\"\",\"description\":\"For measurements\"},"
	"{\"name\":\"peer-blob\",\"usage\":\"bytes\",\"description\":\"For measurements\"},"
	"{\"name\":\"peer-wait\",\"usage\":\"count\",\"description\":\"For measurements\"}],"
	"\"hooks\":[{\"name\":\"htlc_accepted\"},{\"name\":\"db_write\"}],"
	"\"subscriptions\":[\"block_added\"],\"dynamic\":true}";

/* The driver writes id and method first, as lightningd does. */
static void answer(struct bytes *out, const char *text, size_t length)
{
	char number[32];
	size_t head = length < 160 ? length : 160, size;
	const char *id = memmem(text, head, "\"id\":", 5), *id_end, *method, *params;

	if (!id) {
		seen++;
		return;
	}
	id_end = memchr(id + 6, '"', head - (id + 6 - text));
	method = memmem(text, head, "\"method\":\"", 10);
	if (!id_end || !method)
		errx(1, "not as the driver writes: %.*s", (int)head, text);
	method += 10;
	say(out, "{\"jsonrpc\":\"2.0\",");
	add(out, id, id_end + 1 - id);
	say(out, ",\"result\":");
	if (!strncmp(method, "htlc_accepted\"", 14) || !strncmp(method, "db_write\"", 9)) {
		say(out, "{\"result\":\"continue\"}");
	} else if (!strncmp(method, "peer-echo\"", 10)) {
		say(out, "\"ok\"");
	} else if (!strncmp(method, "peer-wait\"", 10)) {
		snprintf(number, sizeof(number), "%lu", seen);
		say(out, number);
	} else if (!strncmp(method, "peer-blob\"", 10)) {
		params = memmem(text, length, "\"params\":[", 10);
		if (!params)
			errx(1, "peer-blob without a size");
		size = strtoul(params + 10, NULL, 10);
		say(out, "\"");
		reserve(out, size);
		memset(out->at + out->used, 'x', size);
		out->used += size;
		say(out, "\"");
	} else if (!strncmp(method, "getmanifest\"", 12)) {
		say(out, manifest);
	} else {
		say(out, "{}");
	}
	say(out, "}\n\n");
}

static void write_all(struct bytes *out)
{
	size_t done = 0;

	while (done < out->used) {
		ssize_t n = write(STDOUT_FILENO, out->at + done, out->used - done);
		if (n < 0)
			err(1, "write");
		done += n;
	}
	out->used = 0;
}

int main(void)
{
	struct bytes in = {0}, out = {0};
	size_t start = 0, searched = 0;
	char *end;

	while (true) {
		ssize_t n;

		reserve(&in, 1 << 17);
		n = read(STDIN_FILENO, in.at + in.used, in.room - in.used);
		if (n < 0)
			err(1, "read");
		if (n == 0)
			return 0;
		in.used += n;
		while ((end = memmem(in.at + searched, in.used - searched, "\n\n", 2))) {
			answer(&out, in.at + start, end - (in.at + start));
			start = searched = end + 2 - in.at;
		}
		searched = in.used > start ? in.used - 1 : start;
		memmove(in.at, in.at + start, in.used - start);
		in.used -= start;
		searched -= start;
		start = 0;
		write_all(&out);
	}
}
