package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Path leads to an attribute. Dots part its steps; a dot may as well be part of a key,
// and the longest key that there is counts.
type Path struct {
	text  string
	steps []string
	// starts are where the steps begin in the text, and where one after the last would.
	starts []int
}

// MaxSteps is how many steps a path may have.
const MaxSteps = 32

// ParsePath reads a path as it is written in pipelines, without @.
func ParsePath(text string) (Path, error) {
	if text == "" {
		return Path{}, errors.New("the path is empty")
	}
	p := Path{text: text, steps: strings.Split(text, ".")}
	if len(p.steps) > MaxSteps {
		return Path{}, fmt.Errorf("the path has %d steps; %d are the most", len(p.steps), MaxSteps)
	}
	at := 0
	for _, s := range p.steps {
		if s == "" {
			return Path{}, fmt.Errorf("the path %q has an empty step", text)
		}
		p.starts = append(p.starts, at)
		at += len(s) + 1
	}
	p.starts = append(p.starts, at)
	return p, nil
}

// String is the path as it was written.
func (p Path) String() string { return p.text }

// key is the steps from i to n, as one key.
func (p Path) key(i, n int) string { return p.text[p.starts[i] : p.starts[n]-1] }

// index is a step as the index of an element; not ok: it is no index.
func index(step string, elements int) (int, bool) {
	at, err := strconv.Atoi(step)
	return at, err == nil && at >= 0 && at < elements && step[0] != '+'
}
