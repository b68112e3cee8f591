package schema

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// ParseSize reads a number of bytes: 4GiB (powers of 1024), 4GB (of 1000) or 4096.
func ParseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a size; write 512MiB, 4GB or a number of bytes", s)
	case n > 1<<62:
		return 0, fmt.Errorf("%q is more than there is", s)
	}
	return int64(n), nil
}
