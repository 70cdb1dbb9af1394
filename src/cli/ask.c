/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include "base/limits.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3 };

static bool line_read(FILE *in, struct arena *arena, struct str *out, struct error *err)
{
    char *text = arena_alloc(arena, PASSWORD_BYTES_MAX + 1);
    size_t len = 0;
    for (;;) {
        int byte = getc(in);
        if (byte == CTRL_C || (byte == EOF && ferror(in)))
            return error_set(err, ERROR_INVALID, "no password was given");
        if (byte == EOF || byte == '\n')
            break;
        if (len > PASSWORD_BYTES_MAX - 1)
            return error_set(err, ERROR_INVALID, "a password has at most %d bytes",
                             PASSWORD_BYTES_MAX);
        text[len++] = (char)byte;
    }
    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (len == 0)
        return error_set(err, ERROR_INVALID, "no password was given");
    *out = (struct str){ text, len };
    return true;
}

bool password_read(FILE *in, struct arena *arena, struct str *out, struct error *err)
{
    return line_read(in, arena, out, err);
}

static bool ask_once(FILE *in, FILE *prompts, const char *prompt, struct arena *arena,
                     struct str *out, struct error *err)
{
    fprintf(prompts, "%s", prompt);
    fflush(prompts);
    bool is_read = line_read(in, arena, out, err);
    fprintf(prompts, "\n");
    return is_read;
}

static bool ask_twice(FILE *in, FILE *prompts, struct arena *arena, struct str *out,
                      struct error *err)
{
    struct str first = STR_NONE, second = STR_NONE;
    if (!ask_once(in, prompts, "Password: ", arena, &first, err) ||
        !ask_once(in, prompts, "Password again: ", arena, &second, err))
        return false;
    if (!str_equal_secret(first, second))
        return error_set(err, ERROR_INVALID, "the two passwords differ");
    *out = first;
    return true;
}

bool password_ask(FILE *in, FILE *prompts, struct arena *arena, struct str *out, struct error *err)
{
    int fd = fileno(in);
    struct termios before;
    if (fd < 0 || !isatty(fd) || tcgetattr(fd, &before) != 0)
        return error_set(
            err, ERROR_INVALID,
            "standard input is no terminal to ask for a password on; use --password-stdin");
    /* Ctrl-C becomes a character that ends the line, so that the echo is always switched on again.
     */
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_cc[VEOL] = CTRL_C;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot switch off the echo of the terminal");
    bool is_given = ask_twice(in, prompts, arena, out, err);
    tcsetattr(fd, TCSAFLUSH, &before);
    return is_given;
}

bool confirm_ask(FILE *in, FILE *prompts, const char *what, const char *word, struct error *err)
{
    char line[32];
    fprintf(prompts, "%s\nType \"%s\" to go on: ", what, word);
    fflush(prompts);
    bool is_read = fgets(line, sizeof(line), in) != NULL;
    if (is_read)
        line[strcspn(line, "\r\n")] = '\0';
    if (is_read && strcmp(line, word) == 0)
        return true;
    return error_set(err, ERROR_INVALID, "nothing was done: \"%s\" was not typed", word);
}
