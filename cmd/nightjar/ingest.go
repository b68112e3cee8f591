package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
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
}

func newIngest() *cobra.Command {
	s := &shipper{}
	c := &cobra.Command{
		Use:   "ingest --source SOURCE FILE…",
		Short: "Ship log files to the engine",
		Long: `Ships log files, line by line, to the engine's intake. A line that is a JSON
object is an event as /api/v2/logs takes it; any other is a raw log line, which
the engine parses by its source (sshd). "-" reads standard input.

Every request has an id made of its content and its place in the file: shipping
the same file again within a day adds nothing, and a request that was cut off is
sent again without doubling an event. A refused or unreachable engine is tried
again until --wait has passed.`,
		Example: `  nightjar ingest --source sshd /var/log/auth.log
  nightjar ingest --source sshd --year 2017 --tz Europe/Paris old-auth.log
  journalctl -u ssh -o short | nightjar ingest --source sshd -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if s.source == "" {
				return &usageError{c.CommandPath(), errors.New("--source is missing: what wrote these logs, such as sshd")}
			}
			var err error
			if s.client, err = newClient(c); err != nil {
				return err
			}
			for _, f := range files {
				err := s.ship(c.Context(), f)
				if c.Context().Err() != nil {
					return &interruptedError{fmt.Sprintf("%s acknowledged; the same command goes on from there", counted(s.sent, "line"))}
				}
				if err != nil {
					return fmt.Errorf("%s: %w", f, err)
				}
			}
			fmt.Fprintf(os.Stderr, "%d lines acknowledged in %d requests\n", s.sent, s.requests)
			return nil
		},
	}
	addClientFlags(c)
	c.Flags().StringVar(&s.source, "source", "", "source of the events, which also chooses the parser (sshd)")
	c.Flags().StringVar(&s.tags, "tags", "", "tags for every event: env:prod,team:infra")
	c.Flags().IntVar(&s.year, "year", 0, "year of times that have none (default: the newest that is not in the future)")
	c.Flags().StringVar(&s.zone, "tz", "", "time zone of times that have none, such as Europe/Paris (default: UTC)")
	c.Flags().IntVar(&s.lines, "batch", 1000, "lines a request")
	c.Flags().DurationVar(&s.wait, "wait", 2*time.Minute, "how long to try again when the engine refuses or is away")
	return c
}

// maxRequest bounds a request's bytes, well below what the intake takes.
const maxRequest = 4 << 20

func (s *shipper) ship(ctx context.Context, path string) error {
	in := os.Stdin
	size := int64(-1)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	bar := newBar(size, path)
	defer func() { _ = bar.Finish() }()
	lines := bufio.NewReaderSize(in, 1<<20)
	var batch [][]byte
	bytesIn, offset := 0, int64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := s.send(ctx, batch, offset)
		offset += int64(bytesIn)
		_ = bar.Add(bytesIn) // a bar that can't be drawn stops nothing
		batch, bytesIn = nil, 0
		return err
	}
	for {
		line, err := lines.ReadBytes('\n')
		if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 {
			batch = append(batch, text)
		}
		bytesIn += len(line)
		if len(batch) >= max(1, s.lines) || bytesIn >= maxRequest || err != nil {
			if err := flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// newBar is a progress bar on a terminal, and nothing elsewhere.
func newBar(size int64, name string) *progressbar.ProgressBar {
	visible := term.IsTerminal(int(os.Stderr.Fd()))
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(name), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// send posts one batch until it is acknowledged.
func (s *shipper) send(ctx context.Context, batch [][]byte, offset int64) error {
	body, err := s.body(batch)
	if err != nil {
		return err
	}
	query := url.Values{}
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
	header := http.Header{"Nightjar-Batch-Id": {s.batchID(body, query.Encode(), offset)}}
	deadline := time.Now().Add(s.wait)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := s.client.do(ctx, http.MethodPost, path, header, body, nil)
		if err == nil {
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

// body is the batch as a JSON array. Lines that are JSON objects go as they
// are, with the source beside them.
func (s *shipper) body(batch [][]byte) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, line := range batch {
		if i > 0 {
			out.WriteByte(',')
		}
		if line[0] == '{' && json.Valid(line) {
			out.Write(s.withSource(line))
			continue
		}
		item, err := json.Marshal(map[string]string{"ddsource": s.source, "message": string(line)})
		if err != nil {
			return nil, err
		}
		out.Write(item)
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

func (s *shipper) withSource(object []byte) []byte {
	var has struct {
		Source   *json.RawMessage `json:"source"`
		DDSource *json.RawMessage `json:"ddsource"`
	}
	if json.Unmarshal(object, &has) == nil && (has.Source != nil || has.DDSource != nil) {
		return object
	}
	source, _ := json.Marshal(s.source) // a string: cannot fail
	rest := bytes.TrimSpace(object[1:])
	out := append([]byte(`{"ddsource":`), source...)
	if rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, rest...)
}

// batchID is equal for the same lines, at the same place of a file, read in
// the same way.
func (s *shipper) batchID(body []byte, how string, offset int64) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%d\n", how, offset)
	sum.Write(body)
	return "ingest-" + hex.EncodeToString(sum.Sum(nil)[:16])
}
