package api

import "fmt"

// pageSize is how many objects a page has: as many as were asked for, within what
// is allowed. As with the reference, more or fewer are no mistake; a warning says
// what became of them.
func pageSize(asked int64, given bool, usual, most int64) (size int64, warnings []string) {
	if !given {
		return usual, nil
	}
	if size = max(1, min(asked, most)); size != asked {
		warnings = append(warnings, fmt.Sprintf("page[size]: a page has 1 to %d, so this one has up to %d instead of %d", most, size, asked))
	}
	return size, warnings
}
