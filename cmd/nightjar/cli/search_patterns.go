package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"nightjar/schema"
)

// maxPatterns is how many shapes of messages the API tells.
const maxPatterns = 500

// searchPatterns prints the shapes of the messages that a search finds; limit 0: as many as
// the engine tells.
func searchPatterns(c *cobra.Command, cl *client, filter map[string]string, limit int) error {
	if limit == 0 {
		limit = maxPatterns
	}
	body, err := json.Marshal(map[string]any{"filter": filter, "limit": limit})
	if err != nil {
		return err
	}
	var answer struct {
		Total, Distinct, Others int64
		Partial                 bool
		Patterns                []json.RawMessage
	}
	if err := cl.do(c.Context(), http.MethodPost, "/api/nightjar/v1/events/patterns", nil, body, &answer); err != nil {
		return err
	}
	rows := make([][]string, len(answer.Patterns))
	for i, raw := range answer.Patterns {
		var p struct {
			Pattern     string
			Count       int64
			First, Last struct{ Timestamp schema.Millis }
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("read a pattern of the answer: %w", err)
		}
		share := 100 * float64(p.Count) / float64(max(answer.Total, 1))
		rows[i] = []string{humanize.Comma(p.Count), fmt.Sprintf("%.1f %%", share), p.First.Timestamp.String(), p.Last.Timestamp.String(), p.Pattern}
	}
	r := result{data: answer.Patterns, header: []string{"EVENTS", "SHARE", "FIRST", "LAST", "PATTERN"}, rows: rows, widest: maxMessage, none: "no events"}
	if err := r.print(c); err != nil {
		return err
	}
	if answer.Partial {
		fmt.Fprintf(os.Stderr, "the time ran out: these are of %s events, and there are more\n", humanize.Comma(answer.Total))
	}
	if more := answer.Distinct - int64(len(answer.Patterns)); more > 0 {
		fmt.Fprintf(os.Stderr, "%s more patterns have %s events\n", humanize.Comma(more), humanize.Comma(answer.Others))
	}
	return nil
}
