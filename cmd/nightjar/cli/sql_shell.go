package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// statement is one of a text of several; vertical says that it ended in \G.
type statement struct {
	text     string
	vertical bool
}

// splitStatements cuts a text at the semicolons and \G that are in no quote and no
// comment. rest is what no end follows. What consists of comments is no statement.
func splitStatements(text string) (out []statement, rest string) {
	start, says := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' || c == '"' || c == '`':
			i, says = afterQuote(text, i)-1, true
		case strings.HasPrefix(text[i:], "--"):
			i += strings.IndexByte(text[i:]+"\n", '\n')
		case strings.HasPrefix(text[i:], "/*"):
			if n := strings.Index(text[i:], "*/"); n >= 0 {
				i += n + 1
			} else {
				i = len(text)
			}
		case c == ';' || strings.HasPrefix(text[i:], `\G`):
			if says {
				out = append(out, statement{strings.TrimSpace(text[start:i]), c != ';'})
			}
			if c != ';' {
				i++
			}
			start, says = i+1, false
		case !strings.ContainsRune(" \t\n\v\f\r", rune(c)):
			says = true
		}
	}
	if rest = strings.TrimSpace(text[min(start, len(text)):]); !says && !strings.HasPrefix(rest, "/*") {
		rest = ""
	}
	return out, rest
}

// afterQuote is where the quoted text that begins at i has ended.
func afterQuote(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return len(text)
}

// runSQLText runs the statements of a text, the last of which needs no end.
func runSQLText(c *cobra.Command, text string, params map[string]string) error {
	statements, rest := splitStatements(text)
	if rest != "" {
		statements = append(statements, statement{text: rest})
	}
	switch f := outputOf(c); {
	case len(statements) == 0:
		return &usageError{c.CommandPath(), errors.New("there is no statement on standard input")}
	case len(statements) > 1 && (f == asJSON || f == asCSV):
		return &usageError{c.CommandPath(), fmt.Errorf("--output %s is for one statement, there are %d; table and jsonl take several", f, len(statements))}
	}
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err := runStatement(c, cl, s, params); err != nil {
			return err
		}
	}
	return nil
}

// shell is `nightjar sql` on a terminal.
type shell struct {
	c      *cobra.Command
	client *client
	params map[string]string
	words  []string // that are completed
}

const shellHelp = `End a statement with ; or, for a row a page, with \G. Tab completes names.
  help    this
  exit    leave (or Ctrl-D); Ctrl-C drops what is typed, or ends what runs
`

func runSQLShell(c *cobra.Command, params map[string]string) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	s := &shell{c: c, client: cl, params: params}
	s.words = append(s.names(c.Context()), sqlWords...)
	old, err := term.MakeRaw(int(os.Stdin.Fd()))
	if err != nil {
		return fmt.Errorf("prepare the terminal: %w", err)
	}
	restore := func() { _ = term.Restore(int(os.Stdin.Fd()), old) }
	defer restore()
	defer endWhenTold(restore)()
	keys := &keyboard{Reader: os.Stdin}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, os.Stderr}, "nightjar> ")
	t.AutoCompleteCallback = s.complete
	if w, h, err := term.GetSize(int(os.Stdin.Fd())); err == nil && w > 0 {
		_ = t.SetSize(w, h) // else it is taken to be 80 wide
	}
	if h, err := openHistory(); err == nil {
		t.History = h
		defer h.Close()
	}
	return s.read(t, keys, restore)
}

// endWhenTold ends the program, and leaves the terminal as it was, when it is told
// to: nothing else would end what waits for a key. The function it returns ends that.
func endWhenTold(restore func()) (stop func()) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		if _, ok := <-told; ok {
			restore()
			os.Exit(exitFailure)
		}
	}()
	return func() {
		signal.Stop(told)
		close(told)
	}
}

// keyboard makes of Ctrl-C, which would end the shell, an empty line, and tells of it.
type keyboard struct {
	io.Reader
	dropped bool
}

// Read implements io.Reader.
func (k *keyboard) Read(p []byte) (int, error) {
	const ctrlC = 3
	if len(p) < 3 {
		return k.Reader.Read(p)
	}
	n, err := k.Reader.Read(p[:len(p)-2])
	if i := bytes.LastIndexByte(p[:n], ctrlC); i >= 0 {
		k.dropped = true
		// To the end of the line, delete it, take it.
		n = copy(p, append([]byte{5, 21, '\r'}, p[i+1:n]...))
	}
	return n, err
}

// read takes lines until the end. Statements run with the terminal as it was, so
// that Ctrl-C ends them, and them only.
func (s *shell) read(t *term.Terminal, keys *keyboard, restore func()) error {
	pending := ""
	for {
		t.SetPrompt(map[bool]string{true: "nightjar> ", false: "       -> "}[pending == ""])
		line, err := t.ReadLine()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, term.ErrPasteIndicator): // the line is as good as another
		case err != nil:
			return err
		}
		if keys.dropped {
			keys.dropped, pending = false, ""
			if line == "" {
				continue
			}
		}
		switch word := strings.ToLower(strings.Trim(line, "; \t")); {
		case pending == "" && slices.Contains([]string{"exit", "quit", `\q`}, word):
			return nil
		case pending == "" && slices.Contains([]string{"help", `\h`, "?"}, word):
			_, _ = t.Write([]byte(shellHelp))
			continue
		}
		statements, rest := splitStatements(pending + line + "\n")
		if pending = rest; rest != "" {
			pending += "\n"
		}
		if len(statements) == 0 {
			continue
		}
		restore()
		s.run(statements)
		if _, err := term.MakeRaw(int(os.Stdin.Fd())); err != nil {
			return fmt.Errorf("prepare the terminal: %w", err)
		}
	}
}

// run runs statements, until one is interrupted.
func (s *shell) run(statements []statement) {
	outer := s.c.Context()
	defer s.c.SetContext(outer)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(outer), os.Interrupt)
	defer stop()
	s.c.SetContext(ctx)
	for _, st := range statements {
		err := runStatement(s.c, s.client, st, s.params)
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "interrupted")
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// names are the tables' columns and the attributes of the latest events.
func (s *shell) names(ctx context.Context) []string {
	out := []string{"events", "signals"}
	for _, query := range []string{
		"DESCRIBE TABLE events", "DESCRIBE TABLE signals",
		"SELECT DISTINCT concat('attributes.', arrayJoin(JSONAllPaths(attributes))) FROM (SELECT attributes FROM events ORDER BY seq DESC LIMIT 2000) LIMIT 2000",
	} {
		answer, err := querySQL(ctx, s.client, query, nil)
		if err != nil {
			continue // the shell does without
		}
		for _, r := range answer.Rows {
			if name, ok := r[0].(string); ok && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

var sqlWords = []string{
	"SELECT ", "DISTINCT ", "FROM ", "WHERE ", "GROUP BY ", "ORDER BY ", "HAVING ", "LIMIT ", "DESCRIBE ", "count()", "uniq(", "DESC", "AND ", "OR ", "NOT ", "LIKE ", "ILIKE ", "IN (", "BETWEEN ", "engine.Now()", "toStartOfHour(", "toStartOfMinute(", "timestamp",
}

// complete ends the word before the cursor, as far as all that begin with it agree.
func (s *shell) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	start := strings.LastIndexAny(line[:pos], " \t(,=<>+-*/") + 1
	word := line[start:pos]
	common := ""
	for _, w := range s.words {
		if len(w) < len(word) || !strings.EqualFold(w[:len(word)], word) {
			continue
		}
		if common == "" {
			common = w
			continue
		}
		n := 0
		for n < len(common) && n < len(w) && common[n] == w[n] {
			n++
		}
		common = common[:n]
	}
	if word == "" || len(common) < len(word) {
		return line, pos, true // nothing to add
	}
	return line[:start] + common + line[pos:], start + len(common), true
}

// history keeps the shell's lines in a file that only its user reads.
type history struct {
	lines []string // the oldest first
	file  *os.File
}

const maxHistory = 1000

func openHistory() (*history, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "nightjar")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "sql_history"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	h := &history{file: f}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		h.lines = append(h.lines, lines.Text())
	}
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	return h, nil
}

// Add implements term.History.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	_, _ = fmt.Fprintln(h.file, line) // without it the next shell knows one line less
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History: 0 is the latest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

// Close closes the file.
func (h *history) Close() { _ = h.file.Close() }
