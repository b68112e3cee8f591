package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/anomaly"
	"nightjar/schema"
)

func newAnomalyScore() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "score --csv FILE",
		Short: "Score how surprising each point of a series is",
		Long: `Reads rows of timestamp and value, in order, and writes them with an anomaly
score from 0 (as expected) to 1 and with an episode, 1 while an anomaly lasts;
both are made at each row from the rows before it only.

The score is 1 - p, high and low values alike: of the rows of a series in which
nothing happens, about one in 200 is above 0.995. An anomaly that lasts is above
0.995 where it begins and where it becomes clearly worse; its other rows are told
by the episode, which ends when the series is back, and after 150 rows at the
latest: what stays is the new normal. The first 30 rows score 0, and the first 130
or so no more than 0.995: so few rows don't show what is unusual.

The first two columns are read, or those named timestamp and value in the first
row. Times are Unix seconds or milliseconds, RFC 3339, or YYYY-MM-DD hh:mm:ss
(UTC). A row without a number scores 0. What was odd about the rows is counted
on standard error.`,
		Example: `  nightjar anomaly score --csv cpu.csv
  nightjar anomaly score --csv - <cpu.csv | sort -t, -k3 -g -r | head`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if path == "" {
				return &usageError{c.CommandPath(), errors.New("--csv is needed: the file of the series, or - for standard input")}
			}
			in := os.Stdin
			if path != "-" {
				f, err := os.Open(path)
				if err != nil {
					return fmt.Errorf("read the series: %w", err)
				}
				defer f.Close()
				in = f
			}
			odd, err := scoreSeries(in, os.Stdout, outputOf(c))
			for _, warning := range odd.warnings() {
				fmt.Fprintln(os.Stderr, "nightjar: warning:", warning)
			}
			if err != nil {
				return fmt.Errorf("score %s: %w", path, err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&path, "csv", "", "the series, a CSV file (- for standard input)")
	addOutput(c, asCSV, asJSON, asLines, asTable)
	return c
}

// oddRows counts the rows that could not be taken as they are.
type oddRows struct {
	noTime, noValue, repeated, backwards oddity
	missing                              int64 // points, in gaps
}

// oddity is one kind of odd rows, and the line of the first.
type oddity struct{ rows, line int }

func (o *oddity) add(line int) {
	if o.rows++; o.rows == 1 {
		o.line = line
	}
}

func (o *oddRows) warnings() []string {
	var out []string
	for _, kind := range []struct {
		oddity
		text string
	}{
		{o.noTime, "without a time that can be read: scored 0"},
		{o.noValue, "without a finite number: scored 0"},
		{o.repeated, "at the time of the row before: scored, not learned from"},
		{o.backwards, "earlier than the row before: scored, not learned from"},
	} {
		if kind.rows > 0 {
			out = append(out, fmt.Sprintf("%d rows %s (the first in line %d)", kind.rows, kind.text, kind.line))
		}
	}
	if o.missing > 0 {
		out = append(out, fmt.Sprintf("%d points are missing in gaps between rows", o.missing))
	}
	return out
}

// scoreSeries scores the rows of r and writes them to w.
func scoreSeries(r io.Reader, w io.Writer, as format) (oddRows, error) {
	var odd oddRows
	out := bufio.NewWriter(w)
	in := csv.NewReader(skipMark(r))
	in.FieldsPerRecord, in.ReuseRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true, true
	series := series{at: 0, value: 1}
	scores := scoreWriter{w: out, as: as}
	scores.begin()
	good := 0
	for first := true; ; first = false {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return odd, errors.Join(err, out.Flush())
		}
		line, _ := in.FieldPos(0)
		if first && series.header(row) {
			continue
		}
		if len(row) <= max(series.at, series.value) {
			return odd, errors.Join(fmt.Errorf("line %d has %d fields: want a timestamp and a value, separated by a comma", line, len(row)), out.Flush())
		}
		score, known := series.score(row, line, &odd)
		if known {
			good++
		}
		if err := scores.write(row[series.at], row[series.value], score); err != nil {
			return odd, err
		}
	}
	odd.missing = series.scorer.Missing()
	scores.end()
	if err := out.Flush(); err != nil {
		return odd, err
	}
	if good == 0 {
		return odd, errors.New("no row has a time and a number: want rows like 1469376000,0.25 or 2016-07-24 16:00:00,0.25")
	}
	return odd, nil
}

// scoreWriter writes rows as they come: a series may be long.
type scoreWriter struct {
	w    *bufio.Writer
	as   format
	rows int
}

// scoreColumns is where the columns of a table end; a series' times have one
// length nearly always.
const scoreColumns = "%-25s  %-20s  %-22s  %v\n"

func (s *scoreWriter) begin() {
	switch s.as {
	case asCSV:
		fmt.Fprintln(s.w, "timestamp,value,anomaly_score,episode")
	case asTable:
		fmt.Fprintf(s.w, scoreColumns, "TIMESTAMP", "VALUE", "ANOMALY SCORE", "EPISODE")
	case asJSON:
		fmt.Fprint(s.w, "[")
	}
}

func (s *scoreWriter) end() {
	if s.as == asJSON {
		fmt.Fprint(s.w, "\n]\n")
	}
}

func (s *scoreWriter) write(at, value string, score anomaly.Score) error {
	episode := 0
	if score.Episode {
		episode = 1
	}
	s.rows++
	switch s.as {
	case asTable:
		_, err := fmt.Fprintf(s.w, scoreColumns, printable(at), printable(value), strconv.FormatFloat(score.Anomaly, 'g', -1, 64), episode)
		return err
	case asCSV:
		line := append(s.w.AvailableBuffer(), quoted(at)...)
		line = append(append(append(line, ','), quoted(value)...), ',')
		line = append(strconv.AppendFloat(line, score.Anomaly, 'g', -1, 64), ',')
		line = strconv.AppendInt(line, int64(episode), 10)
		_, err := s.w.Write(append(line, '\n'))
		return err
	}
	var number any // null where there is none
	if v, ok := readNumber(value); ok {
		number = v
	}
	text, err := json.Marshal(struct {
		At      string  `json:"timestamp"`
		Value   any     `json:"value"`
		Score   float64 `json:"anomaly_score"`
		Episode int     `json:"episode"`
	}{at, number, score.Anomaly, episode})
	if err != nil {
		return err
	}
	before := ""
	switch {
	case s.as == asJSON && s.rows > 1:
		before = ",\n  "
	case s.as == asJSON:
		before = "\n  "
	default:
		text = append(text, '\n')
	}
	_, err = fmt.Fprintf(s.w, "%s%s", before, text)
	return err
}

// quoted is a field as CSV has it.
func quoted(s string) string {
	if strings.ContainsAny(s, ",\"\n\r") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

// skipMark leaves out the byte order mark that some programs write first.
func skipMark(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(3) // they were just seen
	}
	return b
}

// series is where the columns are, and what has been read so far.
type series struct {
	at, value int
	scorer    anomaly.Scorer
	last      int64
	begun     bool
}

// header tells whether the first row names columns, and finds the two.
func (s *series) header(row []string) bool {
	if _, ok := readTime(row[0]); ok {
		return false
	}
	if len(row) > 1 {
		if _, ok := readNumber(row[1]); ok {
			return false // a row whose time is wrong
		}
	}
	at, value := -1, -1
	for i, name := range row {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "timestamp", "time", "date", "datetime", "ts":
			if at < 0 {
				at = i
			}
		case "value", "values", "v":
			if value < 0 {
				value = i
			}
		}
	}
	if at >= 0 && value >= 0 {
		s.at, s.value = at, value
	}
	return true
}

// score scores a row; known is false when it has no time or no number.
func (s *series) score(row []string, line int, odd *oddRows) (score anomaly.Score, known bool) {
	at, ok := readTime(row[s.at])
	if !ok {
		odd.noTime.add(line)
		return anomaly.Score{}, false
	}
	value, ok := readNumber(row[s.value])
	if !ok {
		odd.noValue.add(line)
		value = math.NaN()
	}
	switch {
	case s.begun && at == s.last:
		odd.repeated.add(line)
	case s.begun && at < s.last:
		odd.backwards.add(line)
	default:
		s.begun, s.last = true, at
	}
	return s.scorer.Add(at, value), ok
}

func readNumber(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// readTime reads a time as milliseconds: Unix time in the unit that its size
// shows, or a date with or without a time of day, UTC where it has no zone.
func readTime(text string) (ms int64, ok bool) {
	text = strings.TrimSpace(text)
	at, ok := schema.ParseEpoch(text)
	if !ok {
		at, ok = schema.ParseClock(strings.ReplaceAll(text, "/", "-"))
	}
	return int64(at), ok
}
