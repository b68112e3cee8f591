package plot

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"nightjar/anomaly"
)

// A Point is a bucket, what was expected of it, and whether it was anomalous.
type Point struct {
	Start     int64        `json:"start"` // ms
	Value     float64      `json:"value"` // NaN: nothing came
	Band      anomaly.Band `json:"band"`
	Anomalous bool         `json:"anomalous"`
}

// A Chart is a series to draw. Its title is drawn as it is, control characters
// left out.
type Chart struct {
	Title  string
	Points []Point // by ascending Start
}

var errEmpty = errors.New("draw a chart: it has no points with a value")

// extent is the range of times and values of the points, each at least wide
// enough to divide by.
func (c Chart) extent() (from, to int64, low, high float64, err error) {
	low, high = math.Inf(1), math.Inf(-1)
	for i, p := range c.Points {
		if i == 0 {
			from, to = p.Start, p.Start
		}
		from, to = min(from, p.Start), max(to, p.Start)
		for _, v := range []float64{p.Value, p.Band.Lower, p.Band.Upper} {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if math.IsInf(low, 0) {
		return 0, 0, 0, 0, errEmpty
	}
	if high <= low {
		high = low + 1
	}
	return from, max(to, from+1), low, high, nil
}

func (c Chart) title() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, c.Title)
}

// PNG draws the chart, width and height in pixels (100 to 4000).
func (c Chart) PNG(width, height int) ([]byte, error) {
	if width < 100 || width > 4000 || height < 100 || height > 4000 {
		return nil, fmt.Errorf("draw a chart: %d × %d pixels: want 100 to 4000 each", width, height)
	}
	if _, _, _, _, err := c.extent(); err != nil {
		return nil, err
	}
	p := plot.New()
	p.Title.Text = c.title()
	p.X.Tick.Marker = plot.TimeTicks{Format: "01-02\n15:04", Time: plot.UTCUnixTime}
	p.Add(plotter.NewGrid())
	band, median, value, anomalies := c.lines()
	if len(band) > 2 {
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return nil, fmt.Errorf("draw the band: %w", err)
		}
		area.Color, area.LineStyle.Width = color.RGBA{R: 200, G: 220, B: 245, A: 255}, 0
		expected, err := plotter.NewLine(median)
		if err != nil {
			return nil, fmt.Errorf("draw the median: %w", err)
		}
		expected.Color, expected.Dashes = color.RGBA{R: 90, G: 130, B: 190, A: 255}, []vg.Length{vg.Points(3), vg.Points(3)}
		p.Add(area, expected)
		p.Legend.Add("expected", area)
	}
	for i, run := range value {
		line, err := plotter.NewLine(run)
		if err != nil {
			return nil, fmt.Errorf("draw the values: %w", err)
		}
		p.Add(line)
		if i == 0 {
			p.Legend.Add("observed", line)
		}
	}
	if len(anomalies) > 0 {
		dots, err := plotter.NewScatter(anomalies)
		if err != nil {
			return nil, fmt.Errorf("draw the anomalies: %w", err)
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: color.RGBA{R: 210, A: 255}, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
		p.Add(dots)
		p.Legend.Add("anomalous", dots)
	}
	p.Legend.Top = true
	const dpi = 96
	w, err := p.WriterTo(vg.Length(width)*vg.Inch/dpi, vg.Length(height)*vg.Inch/dpi, "png")
	if err != nil {
		return nil, fmt.Errorf("draw a chart: %w", err)
	}
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("encode a chart: %w", err)
	}
	return out.Bytes(), nil
}

// lines are the outline of the band, its median, the runs of values without a
// gap, and the anomalous points; times in seconds.
func (c Chart) lines() (band, median plotter.XYs, runs []plotter.XYs, anomalies plotter.XYs) {
	var lower plotter.XYs
	open := false
	for _, p := range c.Points {
		x := float64(p.Start) / 1000
		band = append(band, plotter.XY{X: x, Y: p.Band.Upper})
		lower = append(lower, plotter.XY{X: x, Y: p.Band.Lower})
		median = append(median, plotter.XY{X: x, Y: p.Band.Median})
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			open = false
			continue
		}
		point := plotter.XY{X: x, Y: p.Value}
		if !open {
			runs, open = append(runs, nil), true
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], point)
		if p.Anomalous {
			anomalies = append(anomalies, point)
		}
	}
	for i := len(lower) - 1; i >= 0; i-- {
		band = append(band, lower[i])
	}
	return band, median, runs, anomalies
}

// Text draws the chart in columns × rows characters (at least 30 × 5): the band
// as ░, values as ·, anomalous ones as ●. Points that share a column are drawn
// as their highest value, an anomalous one before the others.
func (c Chart) Text(columns, rows int) (string, error) {
	const margin = 11 // for the values at the left
	if columns < 30 || rows < 5 {
		return "", fmt.Errorf("draw a chart: %d × %d characters: want at least 30 × 5", columns, rows)
	}
	from, to, low, high, err := c.extent()
	if err != nil {
		return "", err
	}
	width := columns - margin
	grid := make([][]rune, rows)
	for r := range grid {
		grid[r] = []rune(strings.Repeat(" ", width))
	}
	row := func(v float64) int {
		return rows - 1 - int(math.Round((min(max(v, low), high)-low)/(high-low)*float64(rows-1)))
	}
	column := func(p Point) int { return int(float64(p.Start-from) / float64(to-from) * float64(width-1)) }
	shown := make([]*Point, width)
	for i := range c.Points {
		p := &c.Points[i]
		x := column(*p)
		until := x + 1 // the band goes on to the next point
		if i+1 < len(c.Points) {
			until = max(until, column(c.Points[i+1]))
		}
		for ; x < until && !math.IsNaN(p.Band.Upper) && !math.IsNaN(p.Band.Lower); x++ {
			for r := row(p.Band.Upper); r <= row(p.Band.Lower); r++ {
				grid[r][x] = '░'
			}
		}
		x = column(*p)
		if s := shown[x]; !math.IsNaN(p.Value) && (s == nil || p.Anomalous && !s.Anomalous || p.Anomalous == s.Anomalous && p.Value > s.Value) {
			shown[x] = p
		}
	}
	for x, p := range shown {
		if p != nil && p.Anomalous {
			grid[row(p.Value)][x] = '●'
		} else if p != nil {
			grid[row(p.Value)][x] = '·'
		}
	}
	var out strings.Builder
	if t := c.title(); t != "" {
		fmt.Fprintln(&out, t)
	}
	for r, line := range grid {
		label := ""
		if r%max(1, (rows-1)/4) == 0 || r == rows-1 {
			label = fmt.Sprintf("%.4g", high-(high-low)*float64(r)/float64(rows-1))
		}
		fmt.Fprintf(&out, "%*s ┤%s\n", margin-2, label, strings.TrimRight(string(line), " "))
	}
	first, last := time.UnixMilli(from).UTC().Format("01-02 15:04"), time.UnixMilli(to).UTC().Format("01-02 15:04")
	fmt.Fprintf(&out, "%s%s%*s\n", strings.Repeat(" ", margin), first, width-len(first), last)
	return out.String(), nil
}
