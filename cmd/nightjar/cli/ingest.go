package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightjar/engine"
	"nightjar/ingest/files"
)

func newIngest() *cobra.Command {
	s := &shipper{}
	follow := false
	c := &cobra.Command{
		Use:   "ingest [--source SOURCE] FILE…",
		Short: "Ship log files to the engine",
		Long: `Ships log files to the engine's intake. A JSON object is an event as /api/v2/logs
takes it, and means what it does to "backtest" and "search --events"; a line of
text is a raw log line, which the engine's pipelines parse by its source.

Files may be text (UTF-8 or UTF-16), JSON (objects one a line or over several,
arrays, {"Records":[…]}, {"value":[…]} and the like), CSV, event logs of Windows
(.evtx), auditd's logs (the records of an event are joined) and Zeek's; compressed
with gzip, zstd, bzip2 or xz; and in tar and zip archives. Their content tells. Where
it does not tell what wrote the events, --source says it; without one they are sent
as they are, and counted. A folder stands for all
files in it, a quoted pattern for those that fit; "-" reads standard input. What is
no text, or broken, is refused with its place.

The engine knows how far a file was sent, by the file's content: a file that is
shipped again adds nothing, and one that grew is continued, whoever shipped it
before, whatever it is called now, compressed or not. A request that was cut off is
sent again without doubling an event. Standard input is new each time. --again sends
everything anew. Of several files, one that can't be read is told, and the others are
sent. A refused or
unreachable engine is tried again until --wait has passed.

--follow goes on with what is written to the files until it is interrupted: through
rotation (by renaming or copying, compressed or not), truncation, and restarts of
this command and of the engine, for which it waits. Files that come to fit the folder
or pattern are followed too.`,
		Example: `  nightjar ingest --source sshd /var/log/auth.log
  nightjar ingest --source sshd --follow /var/log/auth.log
  nightjar ingest --source cloudtrail trails/*.json.gz
  nightjar ingest Security.evtx logs/*.evtx
  nightjar ingest --source sshd --year 2017 --tz Europe/Paris old-auth.log
  journalctl -u ssh -o short | nightjar ingest --source sshd -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, arguments []string) error {
			var err error
			if s.client, err = newClient(c); err != nil {
				return err
			}
			if s.again {
				s.salt = fmt.Sprint(engine.Now().UnixNano())
			}
			if follow {
				err = s.follow(c.Context(), arguments)
			} else {
				err = s.shipAll(c.Context(), arguments)
			}
			return s.finish(err)
		},
	}
	addClientFlags(c)
	c.Flags().StringVar(&s.source, "source", "", "source of events that say none, which also chooses the parser of raw lines (sshd, auditd)")
	c.Flags().StringVar(&s.tags, "tags", "", "tags for every event: env:prod,team:infra")
	c.Flags().IntVar(&s.year, "year", 0, "year of times that have none (default: the newest that is not in the future)")
	c.Flags().StringVar(&s.zone, "tz", "", "time zone of times that have none, such as Europe/Paris (default: UTC)")
	c.Flags().IntVar(&s.lines, "batch", 1000, "lines a request")
	c.Flags().DurationVar(&s.wait, "wait", 2*time.Minute, "how long to try again when the engine refuses or is away; with --follow it is waited for")
	c.Flags().BoolVar(&follow, "follow", false, "go on with what is written to the files")
	c.Flags().BoolVar(&s.again, "again", false, "send what was sent before once more")
	return c
}

// shipAll ships the files one after the other. Of several, one that can't be read is
// told and does not keep the others from being sent.
func (s *shipper) shipAll(ctx context.Context, arguments []string) error {
	paths, err := files.Expand(arguments)
	if err != nil {
		return err
	}
	s.run = rand.Text()
	for _, path := range paths {
		err := s.ship(ctx, path)
		switch {
		case ctx.Err() != nil && path == "-":
			return &interruptedError{fmt.Sprintf("%s acknowledged; of standard input nothing is known the next time", counted(s.sent, "line"))}
		case ctx.Err() != nil:
			return &interruptedError{fmt.Sprintf("%s acknowledged; the same command goes on from there", counted(s.sent, "line"))}
		}
		var engine *engineError
		if err != nil && (len(paths) == 1 || errors.As(err, &engine)) {
			return err
		}
		if err != nil {
			s.passOver(err)
		}
	}
	return nil
}

// finish tells what became of it all.
func (s *shipper) finish(err error) error {
	var interrupted *interruptedError
	if errors.As(err, &interrupted) {
		return err
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "%d lines acknowledged in %d requests", s.sent, s.requests)
		if s.known > 0 {
			fmt.Fprintf(os.Stderr, "; %d had been sent before", s.known)
		}
		fmt.Fprintln(os.Stderr)
	}
	if s.late > 0 {
		fmt.Fprintf(os.Stderr, "warning: %d events are older than rules look back (nightjar up --lateness): stored, searchable, and not evaluated; a backtest finds their signals, as in: nightjar backtest --rule FILE --from TIME --to TIME\n", s.late)
	}
	if s.nameless > 0 {
		fmt.Fprintf(os.Stderr, "warning: of %s, from %s on, nothing tells what wrote them: stored as they are, and read by no pipeline that asks for a source; say it with --source, as in --source sshd (and --again for what was sent)\n", counted(s.nameless, "line"), s.firstNameless)
	}
	if err == nil && s.skipped > 0 {
		return fmt.Errorf("%s could not be read and passed over, see above; all else was sent", counted(s.skipped, "part"))
	}
	return err
}

// ship sends the records of a file that were not sent before. Those before one that
// can't be read are sent all the same.
func (s *shipper) ship(ctx context.Context, path string) error {
	f := &fileSender{shipper: s, ctx: ctx, name: path}
	in := io.Reader(os.Stdin)
	size := int64(-1)
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		switch {
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a folder; name its files", path)
		case info.Mode().IsRegular():
			size = info.Size()
			f.file = file
		}
		in = file
	}
	bar := newBar(size, path)
	defer func() { _ = bar.Finish() }()
	err := files.Read(path, in, files.Options{
		Read:    func(n int) { _ = bar.Add(n) }, // a bar that can't be drawn stops nothing
		Skipped: s.passOver,
	}, f.record)
	if err != nil && ctx.Err() != nil {
		return err
	}
	return errors.Join(f.flush(), err)
}

// newBar is a progress bar on a terminal, with rate and time left, and nothing
// elsewhere.
func newBar(size int64, name string) *progressbar.ProgressBar {
	visible := term.IsTerminal(int(os.Stderr.Fd()))
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(name), progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// tally is what was sent, and what was not.
type tally struct {
	mu       sync.Mutex
	sent     int
	requests int
	known    int // had been sent before
	late     int // too late for rules
	skipped  int // could not be read

	nameless      int // of which neither they nor anybody else says what wrote them
	firstNameless files.Place
}

// passOver tells of what can't be read, where the rest of a file can.
func (t *tally) passOver(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.skipped++
	tellSkipped(err)
}
