/*
 * Two providers of security labels for the tests.
 * PG_MAJOR is given by the compiler's command line; PostgreSQL's headers are not
 * needed, because what is used of them is declared here (manual chapter 36.10.1).
 */
extern void register_label_provider(const char *name, void (*check)(const void *object, const char *label));

struct values
{
	int version, funcmaxargs, indexmaxkeys, namedatalen, float8byval;
#if PG_MAJOR >= 15
	char extra[32];
#endif
};

static const struct magic
{
	int len;
	struct values values;
#if PG_MAJOR >= 18
	const char *name, *version;
#endif
} magic = {
	sizeof(struct magic),
#if PG_MAJOR >= 15
	{PG_MAJOR * 100, 100, 32, 64, 1, "PostgreSQL"},
#else
	{PG_MAJOR * 100, 100, 32, 64, 1},
#endif
};

const struct magic *Pg_magic_func(void) { return &magic; }

static void check(const void *object, const char *label) { (void) object; (void) label; }

void _PG_init(void)
{
	register_label_provider("case_provider", check);
	register_label_provider("Case \"Other", check);
}
