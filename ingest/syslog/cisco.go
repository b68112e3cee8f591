package syslog

import (
	"regexp"
	"strings"

	"nightjar/ingest"
)

// mnemonic is what Cisco's systems write before a text: %FACILITY-SEVERITY-NAME:
var mnemonic = regexp.MustCompile(`%([A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+):`)

// longestCisco is how far into a line the mnemonic is looked for.
const longestCisco = 160

// readCisco reads the heads of IOS, NX-OS and ASA: a counter, a sequence number and
// a host, each with a colon and each or not; a time, with a star or a dot where the
// clock is not set; and the mnemonic, with which the text begins.
func readCisco(d *ingest.Decoder, rest string) (head, bool) {
	at := mnemonic.FindStringSubmatchIndex(rest[:min(len(rest), longestCisco)])
	if at == nil {
		return head{}, false
	}
	h := head{text: rest[at[0]:], msgID: rest[at[2]:at[3]]}
	before := strings.TrimRight(strings.TrimRight(rest[:at[0]], " "), ":")
	before = strings.TrimRight(before, " ")
	for {
		word, after, ok := strings.Cut(before, ": ")
		if !ok || word == "" || strings.ContainsRune(word, ' ') {
			break
		}
		if strings.Trim(word, "0123456789") == "" {
			h.sequence = word
		} else {
			h.host = word
		}
		before = strings.TrimLeft(after, " ")
	}
	return h, ciscoTime(d, &h, strings.TrimLeft(before, ": "))
}

// ciscoTime reads the time and the host that may stand behind it.
func ciscoTime(d *ingest.Decoder, h *head, before string) bool {
	before = strings.TrimLeft(before, "*.")
	if before == "" {
		return true
	}
	if strings.Trim(before, "0123456789") == "" {
		h.sequence = before
		return true
	}
	if at, ok := d.Time(before); ok {
		h.at = at
		return true
	}
	i := strings.LastIndexByte(before, ' ')
	if i < 0 {
		h.host = before
		return !strings.ContainsRune(before, '%')
	}
	at, ok := d.Time(strings.TrimRight(before[:i], " :"))
	if ok {
		h.at, h.host = at, before[i+1:]
	}
	return ok
}
