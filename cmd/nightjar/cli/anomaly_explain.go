package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/anomaly"
	"nightjar/anomaly/plot"
)

// anomalySeries is the API's answer.
type anomalySeries struct {
	Query, Season, First, Ready string
	Group                       []string
	BucketDuration              int64 `json:"bucket_duration"`
	Truncated                   bool
	HeldSince                   string `json:"held_since"`
	HeldUntil                   string `json:"held_until"`
	Points                      []struct {
		At                                       string
		Value, Lower, Median, Upper, Probability float64
		AtMost                                   float64 `json:"at_most"`
	}
}

func newAnomalyExplain() *cobra.Command {
	var query, png string
	var span spanFlags
	var columns, rows int
	var threshold float64
	c := &cobra.Command{
		Use:   "explain ID|NAME [GROUP…]",
		Short: "Show what an anomaly rule expected of a group",
		Long: `Draws the series of a group of an anomaly rule with the band that was expected
of every bucket from those before it, and tells the season that was found, and
whether what alarms is held to be unusual for a time. The rule is named by its id or
its name; GROUP is the values of the group-by fields, in order. Points above the
threshold are marked, and those as far below.`,
		Example: `  nightjar anomaly explain 'Requests per host' web-1
  nightjar anomaly explain l41-vti-cye web-1 --from now-2d --png web-1.png
  nightjar anomaly explain l41-vti-cye web-1 --output json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if outputOf(c) != asTable && png != "" {
				return &usageError{c.CommandPath(), errors.New("--png and --output json are two answers; choose one")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			rule, err := cl.ruleID(c.Context(), args[0])
			if err != nil {
				return err
			}
			params := url.Values{"group": args[1:]}
			ends := map[string]string{"query": query}
			if err := span.into(c, ends); err != nil {
				return err
			}
			for name, value := range ends {
				if value != "" {
					params.Set(name, value)
				}
			}
			var raw json.RawMessage
			path := "/api/nightjar/v1/rules/" + url.PathEscape(rule) + "/series?" + params.Encode()
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &raw); err != nil {
				return err
			}
			if outputOf(c) != asTable {
				return result{data: raw}.print(c)
			}
			var s anomalySeries
			if err := json.Unmarshal(raw, &s); err != nil {
				return fmt.Errorf("read the engine's answer: %w", err)
			}
			chart, err := s.chart(args[0], threshold)
			if err != nil {
				return err
			}
			if png == "" {
				return s.print(chart, threshold, columns, rows)
			}
			image, err := chart.PNG(1200, 500)
			if err != nil {
				return err
			}
			return os.WriteFile(png, image, 0o644)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&query, "query", "", "the query of the rule, by its name (default the first)")
	span.add(c, "(default: the last fortnight) buckets ", "up to then")
	c.Flags().StringVar(&png, "png", "", "write a picture to this file instead")
	c.Flags().IntVar(&columns, "width", 100, "width of the drawing in characters")
	c.Flags().IntVar(&rows, "height", 16, "height of the drawing in lines")
	c.Flags().Float64Var(&threshold, "threshold", 0.995, "mark buckets whose probability of a lower value is above this, or of no higher one below 1 less this")
	return c
}

func (s *anomalySeries) chart(rule string, threshold float64) (plot.Chart, error) {
	chart := plot.Chart{Title: strings.TrimSpace(rule + " " + strings.Join(s.Group, ", "))}
	for _, p := range s.Points {
		at, err := time.Parse(time.RFC3339, p.At)
		if err != nil {
			return chart, fmt.Errorf("read the engine's answer: %w", err)
		}
		chart.Points = append(chart.Points, plot.Point{
			Start: at.UnixMilli(), Value: p.Value, Band: anomaly.Band{Lower: p.Lower, Median: p.Median, Upper: p.Upper},
			Anomalous: p.Probability > threshold || p.AtMost < 1-threshold,
		})
	}
	return chart, nil
}

func (s *anomalySeries) print(chart plot.Chart, threshold float64, columns, rows int) error {
	text, err := chart.Text(columns, rows)
	if err != nil {
		return err
	}
	season := s.Season
	if season == "" {
		season = "none"
	}
	fmt.Print(text)
	fmt.Printf("buckets of %s, season: %s; learning began %s and was enough %s\n",
		time.Duration(s.BucketDuration)*time.Second, season, s.First, s.Ready)
	for i, p := range s.Points {
		if chart.Points[i].Anomalous && p.Probability <= threshold {
			fmt.Printf("%s  %v where %.0f to %.0f was expected (no higher with probability %.5f)\n", p.At, p.Value, p.Lower, p.Upper, p.AtMost)
		} else if chart.Points[i].Anomalous {
			fmt.Printf("%s  %v where %.0f to %.0f was expected (lower with probability %.5f)\n", p.At, p.Value, p.Lower, p.Upper, p.Probability)
		}
	}
	if s.HeldSince != "" {
		fmt.Printf("buckets are unusual since %s: they are learned slowly, and are the new normal from %s on if they stay so\n", s.HeldSince, s.HeldUntil)
	}
	if s.Truncated {
		fmt.Fprintln(os.Stderr, "there are more buckets; --from and --to choose among them")
	}
	return nil
}
