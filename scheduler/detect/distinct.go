package detect

// distinct counts the different values of lists that come and go. The values of
// one list are different. A list that is alone is not looked at, so that an event
// in many groups costs each of them no more than one with a single value.
type distinct struct {
	alone []string
	lists int
	times map[string]int // of each value; nil while there is one list at most
}

func (d *distinct) add(values []string) {
	if d.lists++; d.lists == 1 && d.times == nil {
		d.alone = values
		return
	}
	if d.times == nil {
		d.times = make(map[string]int, len(d.alone)+len(values))
		d.count(d.alone, 1)
		d.alone = nil
	}
	d.count(values, 1)
}

func (d *distinct) remove(values []string) {
	if d.lists--; d.times == nil {
		d.alone = nil
		return
	}
	d.count(values, -1)
}

func (d *distinct) count(values []string, by int) {
	for _, v := range values {
		if d.times[v] += by; d.times[v] == 0 {
			delete(d.times, v)
		}
	}
}

func (d *distinct) size() int { return len(d.alone) + len(d.times) }
