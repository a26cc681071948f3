/* core/zip and core/tar: archives with hostile, long and many names, and files over 4 GiB, as other
 * programs read them (python3's zipfile and tarfile, unzip, tar). */
#include "base/mem.h"
#include "core/tar.h"
#include "core/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/iwant-test-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
    char cmd[100];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf %s", top);
    return system(cmd);
}

static void run(const char *fmt, ...)
{
    char cmd[2000], line[2100];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "cd %s && %s", top, cmd);
    if (system(line))
        fail_msg("%s", cmd);
}

static FILE *create(const char *name)
{
    char path[100];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", top, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

static void write_out(FILE *to, struct buf *b)
{
    assert_int_equal(fwrite(b->data, 1, b->len, to), b->len);
    buf_reset(b);
}

/* The archive of these files, each filled with its own name over and over; or, with holes, with
 * nothing that takes place on the disk. Gives its length as it was foretold. */
static uint64_t archive(const char *name, bool zip, struct zip_file *files, size_t count,
                        bool holes)
{
    struct zip_crc *crc = mem_alloc(sizeof *crc);
    FILE *to = create(name);
    struct buf b = {0};
    uint64_t at = 0, directory;

    zip_crc_init(crc);
    for (size_t i = 0; i < count; i++) {
        struct zip_file *f = &files[i];

        f->at = at;
        (zip ? zip_head : tar_head)(&b, f);
        at += b.len;
        write_out(to, &b);
        if (holes) {
            assert_int_equal(fseeko(to, (off_t)f->size, SEEK_CUR), 0);
        } else {
            for (uint64_t n = 0; n < f->size; n++) {
                char c = f->name[n % f->name_len];

                f->crc = zip_crc_add(crc, f->crc, &c, 1);
                fputc(c, to);
            }
        }
        at += f->size;
        (zip ? zip_tail : tar_tail)(&b, f);
        at += b.len;
        write_out(to, &b);
    }
    directory = at;
    for (size_t i = 0; zip && i < count; i++)
        zip_entry(&b, &files[i]);
    at += b.len;
    if (zip)
        zip_end(&b, count, directory, at - directory);
    else
        tar_end(&b);
    write_out(to, &b);
    at = (uint64_t)ftello(to);
    assert_int_equal(fclose(to), 0);
    mem_free(crc);
    buf_free(&b);
    return at;
}

static const char ODD[] = "top/<img onerror=x>&\"'.txt";
static const char RTL[] = "top/\xe2\x80\xaegpj.exe";
static const char UMLAUT[] = "top/\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80.txt";
static const char LINE[] = "top/new\nline";
static const char DOTS[] = "top/..hidden.. /-rf";

static void readable(void **state)
{
    static char deep[4001];
    struct zip_file f[] = {
        {.name = ODD, .name_len = sizeof ODD - 1, .size = 1000},
        {.name = RTL, .name_len = sizeof RTL - 1, .size = 0},
        {.name = UMLAUT, .name_len = sizeof UMLAUT - 1, .size = 512},
        {.name = LINE, .name_len = sizeof LINE - 1, .size = 70001},
        {.name = DOTS, .name_len = sizeof DOTS - 1, .size = 1},
        {.name = deep, .name_len = sizeof deep - 1, .size = 513},
    };
    size_t count = sizeof f / sizeof *f;

    (void)state;
    for (size_t i = 0; i < sizeof deep - 1; i++)
        deep[i] = i % 200 == 199 && i + 1 < sizeof deep - 1 ? '/' : 'd';
    archive("a.zip", true, f, count, false);
    run("python3 -c \"import zipfile; z = zipfile.ZipFile('a.zip'); assert z.testzip() is None; "
        "n = z.namelist(); assert len(n) == 6, n; "
        "assert all(z.read(i) == (i.encode() * 80000)[:z.getinfo(i).file_size] for i in n); "
        "assert n[1] == 'top/\\u202egpj.exe' and n[2].endswith('\\U0001f600.txt') and len(n[5]) == "
        "4000\"");
    if (!system("command -v unzip >/dev/null"))
        run("unzip -tqq a.zip >unzip.out 2>&1 || { cat unzip.out; false; }");
    archive("a.tar", false, f, count, false);
    run("python3 -c \"import tarfile; t = tarfile.open('a.tar'); m = t.getmembers(); assert len(m) "
        "== 6, m; "
        "assert all(t.extractfile(i).read() == (i.name.encode() * 80000)[:i.size] for i in m); "
        "assert m[3].name == 'top/new\\nline' and len(m[5].name) == 4000 and m[0].mode == 0o644\"");
    run("test \"$(tar -tf a.tar | wc -l)\" = 6 && tar -C . -xf a.tar top && test -e "
        "'top/..hidden.. /-rf'");
}

/* 5 and 9 GiB of holes, and one behind them: places and sizes take 64 bits. */
static void large(void **state)
{
    static const char a[] = "top/a", b[] = "top/b", c[] = "top/c";
    struct zip_file f[] = {{.name = a, .name_len = 5, .size = 5ull << 30, .crc = 1},
                           {.name = b, .name_len = 5, .size = 9ull << 30, .crc = 2},
                           {.name = c, .name_len = 5, .size = 3, .crc = 0xffffffff}};

    (void)state;
    archive("large.zip", true, f, 3, true);
    run("python3 -c \"import zipfile; z = zipfile.ZipFile('large.zip').infolist(); "
        "assert [i.file_size for i in z] == [5 << 30, 9 << 30, 3], z; "
        "assert [i.CRC for i in z] == [1, 2, 0xffffffff] and z[2].header_offset > 14 << 30; "
        "zipfile.ZipFile('large.zip').open('top/c').close()\"");
    archive("large.tar", false, f, 3, true);
    run("python3 -c \"import tarfile; t = tarfile.open('large.tar').getmembers(); "
        "assert [i.size for i in t] == [5 << 30, 9 << 30, 3] and t[2].offset > 14 << 30\"");
    run("test \"$(tar -tvf large.tar | awk '{print $3}' | tr '\\n' ' ')\" = '5368709120 9663676416 "
        "3 '");
    run("rm large.*");
}

/* More files than 16 bits count. */
static void many(void **state)
{
    size_t count = 70000;
    struct zip_file *f = mem_zero(count, sizeof *f);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        char *name = mem_alloc(16);

        f[i].name_len = (size_t)snprintf(name, 16, "many/%zu", i);
        f[i].name = name;
    }
    archive("many.zip", true, f, count, false);
    run("python3 -c \"import zipfile; n = zipfile.ZipFile('many.zip').namelist(); "
        "assert len(n) == 70000 and n[-1] == 'many/69999'\"");
    for (size_t i = 0; i < count; i++)
        mem_free((void *)(uintptr_t)f[i].name);
    mem_free(f);
}

/* Times, the same by zip's two ways and by tar: leap days, both ends, and what has none. */
static void times(void **state)
{
    static const int64_t at[] = {
        ZIP_NO_TIME, INT64_MAX,  -1,         0,          315532799,  315532800,
        951782400,   951868799,  1709164800, 1735689599, 1732372693, 2147483647,
        2147483648,  4107542399, 4107542400, 4354819198,
    };
    enum { COUNT = sizeof at / sizeof *at };
    struct zip_file f[COUNT];
    struct buf list = {0};

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        f[i] = (struct zip_file){.name = "top/x", .name_len = 5, .size = 3, .mtime_s = at[i]};
        buf_printf(&list, "%lld,", (long long)at[i]);
    }
    archive("times.zip", true, f, COUNT, false);
    archive("times.tar", false, f, COUNT, false);
    run("python3 -W ignore -c \"import calendar, struct, tarfile, zipfile; at = [%s]; "
        "z = zipfile.ZipFile('times.zip'); assert z.testzip() is None; "
        "d = [calendar.timegm((*i.date_time, 0, 0, 0)) for i in z.infolist()]; "
        "assert d == [min(max(t, 315532800), 4354819198) // 2 * 2 if t < 2 ** 62 else 4354819198 "
        "for t in at], d; "
        "x = [struct.unpack('<HHBi', i.extra)[3] if i.extra else None for i in z.infolist()]; "
        "assert x == [t if 0 <= t < 2 ** 31 else None for t in at], x; "
        "m = [i.mtime for i in tarfile.open('times.tar')]; "
        "assert m == [t if 0 <= t < 8 ** 11 else 0 for t in at], m\"",
        list.data);
    if (!system("command -v unzip >/dev/null"))
        run("unzip -tqq times.zip >unzip.out 2>&1 || { cat unzip.out; false; }");
    buf_free(&list);
}

static void checksums(void **state)
{
    static const char text[] = "123456789";
    struct zip_crc c;
    uint8_t bytes[100];

    (void)state;
    zip_crc_init(&c);
    assert_int_equal(zip_crc_add(&c, 0, text, 9), 0xcbf43926u);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(
            zip_crc_add(&c, zip_crc_add(&c, 0, bytes, cut), bytes + cut, sizeof bytes - cut),
            zip_crc_add(&c, 0, bytes, sizeof bytes));
}

static void names(void **state)
{
    static const char in[] = "a\\b/\xff\xc3\xa4\n\x7f%";
    struct buf b = {0};

    (void)state;
    zip_name(&b, in, sizeof in - 1);
    assert_string_equal(buf_cstr(&b), "a%5Cb/%FF\xc3\xa4%0A%7F%");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable),  cmocka_unit_test(large), cmocka_unit_test(many),
        cmocka_unit_test(checksums), cmocka_unit_test(names), cmocka_unit_test(times),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
