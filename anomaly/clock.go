package anomaly

import "slices"

// clock converts times to the indexes of a regular series.
type clock struct {
	step    int64 // usual time between points, ms; 0: not known
	index   int64
	last    int64
	begun   bool
	deltas  []int64 // the first ones, ascending
	missing int64
}

// tick moves to a time and returns how many points are missing before it, or
// −1 when it is not after the last.
func (c *clock) tick(at int64) int64 {
	const sample = 64
	if !c.begun {
		c.begun, c.last = true, at
		return 0
	}
	if at <= c.last {
		return -1
	}
	passed := int64(min(uint64(at)-uint64(c.last), 1<<60))
	c.last = at
	if len(c.deltas) < sample {
		i, _ := slices.BinarySearch(c.deltas, passed)
		c.deltas = slices.Insert(c.deltas, i, passed)
		c.step = c.deltas[len(c.deltas)/2]
	}
	steps := max(1, (passed-c.step/2)/c.step+1)
	c.index += steps
	c.missing += steps - 1
	return steps - 1
}
