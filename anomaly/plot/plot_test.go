package plot

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"

	"nightjar/anomaly"
)

func chart() Chart {
	c := Chart{Title: "failed logins\x1b[31m of 203.0.113.66"}
	for i := range 48 {
		expected := 10 + 5*math.Sin(float64(i)/8)
		c.Points = append(c.Points, Point{Start: 1_700_000_000_000 + int64(i)*1_800_000, Value: expected, Band: anomaly.Band{Lower: expected - 4, Median: expected, Upper: expected + 4}})
	}
	c.Points[20].Value = math.NaN()
	c.Points[30].Value, c.Points[30].Anomalous = 40, true
	return c
}

func TestAPNGHasTheSizeThatWasAskedFor(t *testing.T) {
	data, err := chart().PNG(900, 300)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 900 || b.Dy() != 300 {
		t.Errorf("%d × %d pixels, want 900 × 300", b.Dx(), b.Dy())
	}
	red := 0
	for x := range 900 {
		for y := range 300 {
			if r, g, _, _ := img.At(x, y).RGBA(); r > 0xc000 && g < 0x4000 {
				red++
			}
		}
	}
	if red < 10 {
		t.Error("the anomaly is not drawn in red")
	}
}

func TestATerminalShowsBandValuesAndAnomaly(t *testing.T) {
	text, err := chart().Text(72, 12)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) != 1+12+1 {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	for i, line := range lines {
		if n := len([]rune(line)); n > 72 {
			t.Errorf("line %d has %d characters", i, n)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("a title can drive the terminal")
	}
	if !strings.Contains(lines[1], "●") || strings.Count(text, "●") != 1 || !strings.Contains(text, "░") || !strings.Contains(text, "·") {
		t.Errorf("want the anomaly alone in the top line, band and values:\n%s", text)
	}
	if !strings.HasSuffix(lines[13], "11-15 21:43") || !strings.Contains(lines[13], "11-14 22:13") {
		t.Errorf("axis of time: %q", lines[13])
	}
}

func TestWhatCanNotBeDrawnIsAnError(t *testing.T) {
	empty := Chart{Points: []Point{{Value: math.NaN(), Band: anomaly.Band{Lower: math.NaN(), Upper: math.NaN()}}}}
	for name, draw := range map[string]func() error{
		"no points":  func() error { _, err := Chart{}.PNG(300, 300); return err },
		"no values":  func() error { _, err := empty.Text(80, 20); return err },
		"too large":  func() error { _, err := chart().PNG(9000, 300); return err },
		"too narrow": func() error { _, err := chart().Text(20, 20); return err },
	} {
		if draw() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOnePointIsDrawn(t *testing.T) {
	c := Chart{Points: chart().Points[:1]}
	if _, err := c.PNG(300, 200); err != nil {
		t.Error(err)
	}
	if _, err := c.Text(40, 8); err != nil {
		t.Error(err)
	}
}
