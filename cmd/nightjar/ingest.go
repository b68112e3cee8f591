package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightjar/ingest"
	"nightjar/ingest/files"
)

// shipper sends the lines of files to the intake.
type shipper struct {
	client       *client
	source, tags string
	year         int
	zone         string
	lines        int // per request
	wait         time.Duration
	sent         int
	requests     int
	late         int // too late for rules
	skipped      int // parts of files that are damaged
}

func newIngest() *cobra.Command {
	s := &shipper{}
	c := &cobra.Command{
		Use:   "ingest [--source SOURCE] FILE…",
		Short: "Ship log files to the engine",
		Long: `Ships log files to the engine's intake. A JSON object is an event as /api/v2/logs
takes it, and means what it does to "backtest" and "search --events"; a line of
text is a raw log line, which the engine parses by its source (sshd).

Files may be text (UTF-8 or UTF-16), JSON (objects one a line or over several,
arrays, {"Records":[…]}, {"value":[…]} and the like), CSV and event logs of Windows
(.evtx); compressed with gzip, zstd, bzip2 or xz; and in tar and zip archives. Their
content tells. Where it does not tell what wrote the events, --source says it. A folder
stands for all files in it, a quoted pattern for those that fit; "-" reads standard
input. What is no text, or broken, is refused with its place.

Every request has an id made of its content and its place in the file: shipping
the same file again within a day adds nothing, and a request that was cut off is
sent again without doubling an event. A refused or unreachable engine is tried
again until --wait has passed.`,
		Example: `  nightjar ingest --source sshd /var/log/auth.log
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
			paths, err := files.Expand(arguments)
			if err != nil {
				return err
			}
			for _, f := range paths {
				err := s.ship(c.Context(), f)
				if c.Context().Err() != nil {
					return &interruptedError{fmt.Sprintf("%s acknowledged; the same command goes on from there", counted(s.sent, "line"))}
				}
				if err != nil {
					return err
				}
			}
			fmt.Fprintf(os.Stderr, "%d lines acknowledged in %d requests\n", s.sent, s.requests)
			if s.late > 0 {
				fmt.Fprintf(os.Stderr, "warning: %d events are older than rules look back (nightjar up --lateness): stored, searchable, and not evaluated; a backtest finds their signals, as in: nightjar backtest --rule FILE --from TIME --to TIME\n", s.late)
			}
			if s.skipped > 0 {
				return fmt.Errorf("%s could not be read and were passed over, see above; all else was sent", counted(s.skipped, "part"))
			}
			return nil
		},
	}
	addClientFlags(c)
	c.Flags().StringVar(&s.source, "source", "", "source of events that say none, which also chooses the parser of raw lines (sshd)")
	c.Flags().StringVar(&s.tags, "tags", "", "tags for every event: env:prod,team:infra")
	c.Flags().IntVar(&s.year, "year", 0, "year of times that have none (default: the newest that is not in the future)")
	c.Flags().StringVar(&s.zone, "tz", "", "time zone of times that have none, such as Europe/Paris (default: UTC)")
	c.Flags().IntVar(&s.lines, "batch", 1000, "lines a request")
	c.Flags().DurationVar(&s.wait, "wait", 2*time.Minute, "how long to try again when the engine refuses or is away")
	return c
}

// maxRequest bounds a request's bytes, well below what the intake takes.
const maxRequest = 4 << 20

// ship sends the records of a file. Those before one that can't be read are sent
// all the same.
func (s *shipper) ship(ctx context.Context, path string) error {
	size := int64(-1)
	if info, err := os.Stat(path); path != "-" && err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	bar := newBar(size, path)
	defer func() { _ = bar.Finish() }()
	options := files.Options{
		Read:    func(n int) { _ = bar.Add(n) }, // a bar that can't be drawn stops nothing
		Skipped: func(err error) { s.skipped++; tellSkipped(err) },
	}
	reader := ingest.NewOffline(now(), nil)
	var batch [][]byte
	var first files.Place
	bytesIn := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := s.send(ctx, batch, first)
		batch, bytesIn = nil, 0
		return err
	}
	err := files.Each(path, options, func(r files.Record) error {
		item, err := s.itemOf(reader, r)
		if err != nil {
			return &files.PlaceError{Place: r.Place, Err: err}
		}
		if len(batch) >= max(1, s.lines) || len(batch) > 0 && bytesIn+len(item) > maxRequest {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(batch) == 0 {
			first = r.Place
			first.Path = strings.TrimPrefix(first.Path, path) // its member in an archive
		}
		batch = append(batch, item)
		bytesIn += len(item)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return err
	}
	return errors.Join(flush(), err)
}

// itemOf is a record as an item of a request: an object as it is, if it can be
// read, and the object of a raw line. Nothing is sent of which nobody says what
// wrote it.
func (s *shipper) itemOf(reader *ingest.Decoder, r files.Record) ([]byte, error) {
	if !r.JSON {
		if s.source == "" {
			return nil, ingest.ErrNoSource
		}
		return rawItem(r.Text)
	}
	e, err := reader.Record(r.Text, true)
	switch {
	case err != nil:
		return nil, err
	case s.source == "" && e.Source == "":
		return nil, errNoSource
	}
	return bytes.Clone(r.Text), nil
}

// rawItem is a raw line as an item of a request.
func rawItem(line []byte) ([]byte, error) {
	return json.Marshal(map[string]string{"message": string(line)})
}

var errNoSource = errors.New("the event does not say what wrote it; say it with --source, as in --source cloudtrail")

// newBar is a progress bar on a terminal, and nothing elsewhere.
func newBar(size int64, name string) *progressbar.ProgressBar {
	visible := term.IsTerminal(int(os.Stderr.Fd()))
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(name), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// send posts one batch, which begins at this place of a file, until it is
// acknowledged. The source stands in where an event has none.
func (s *shipper) send(ctx context.Context, batch [][]byte, first files.Place) error {
	body := slices.Concat([]byte{'['}, bytes.Join(batch, []byte{','}), []byte{']'})
	query := url.Values{"ddsource": {s.source}}
	if s.tags != "" {
		query.Set("ddtags", s.tags)
	}
	if s.year != 0 {
		query.Set("nj_year", fmt.Sprint(s.year))
	}
	if s.zone != "" {
		query.Set("nj_tz", s.zone)
	}
	path := "/api/v2/logs?" + query.Encode()
	header := http.Header{"Nightjar-Batch-Id": {batchID(body, query.Encode(), first)}}
	deadline := time.Now().Add(s.wait)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		var taken struct {
			Warnings []string
			Late     int
		}
		err := s.client.do(ctx, http.MethodPost, path, header, body, &taken)
		if err == nil {
			s.late += taken.Late
			for _, w := range taken.Warnings {
				if strings.HasPrefix(w, ingest.LatePrefix) {
					continue // the sum is told at the end
				}
				fmt.Fprintf(os.Stderr, "warning: the request from %s on: %s\n", first, w)
			}
			s.sent += len(batch)
			s.requests++
			return nil
		}
		var answer *httpError
		if errors.As(err, &answer) {
			if answer.status != http.StatusTooManyRequests && answer.status < 500 {
				return err
			}
			pause = max(pause, answer.retry)
		}
		if time.Now().Add(pause).After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("not acknowledged after %s: %w", s.wait, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// batchID is equal for the same records, at the same place of a file, read in the
// same way.
func batchID(body []byte, how string, first files.Place) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", how, first)
	sum.Write(body)
	return "ingest-" + hex.EncodeToString(sum.Sum(nil)[:16])
}
