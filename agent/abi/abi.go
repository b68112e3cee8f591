package abi

var native, compat = reversed(Native), reversed(Compat)

func reversed(numbers map[string]int) map[int]string {
	out := make(map[int]string, len(numbers))
	for name, nr := range numbers {
		out[nr] = name
	}
	return out
}

// Name is the name of a system call; empty if the agent does not trace it.
func Name(nr int, is32 bool) string {
	if is32 {
		return compat[nr]
	}
	return native[nr]
}
