package elastic

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nightjar/ingest"
	"nightjar/schema"
)

// bulk answers a bulk request: an item for each action, in order. Senders look for
// texts in it, so that its form is fixed to the byte.
func (d *Door) bulk(w http.ResponseWriter, r *http.Request, at []string) {
	start := time.Now()
	index := ""
	if len(at) > 1 {
		index = at[0]
	}
	read, taken, err := d.receive(w, r, index, func(body []byte) []byte { return body })
	if err != nil {
		refuse(w, r, err)
		return
	}
	out := strconv.AppendInt([]byte(`{"took":`), time.Since(start).Milliseconds(), 10)
	faulty := slices.ContainsFunc(read.items, func(it item) bool { return it.fault != "" })
	out = strconv.AppendBool(append(out, `,"errors":`...), faulty)
	out = append(out, `,"items":[`...)
	ids := numbering{taken.Receipt, 0, 0}
	for i, it := range read.items {
		if len(out) >= chunk { // of 250,000 items it would be far larger than the body
			if _, err := w.Write(out); err != nil {
				return // the sender has gone, and will ask again
			}
			out = out[:0]
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"`...), it.action...), `":`...)
		out = append(it.appendTo(out, &ids), '}')
	}
	_, _ = w.Write(append(out, `]}`...))
}

// chunk is how much of an answer is in memory.
const chunk = 64 << 10

// numbering gives events whose senders name none the number of their arrival.
type numbering struct {
	receipt ingest.Receipt
	event   int
	new     uint64
}

// next is the status of the next event, and what to call it.
func (n *numbering) next() (status int, id string) {
	again := n.receipt.Duplicate || n.receipt.Known != nil && n.receipt.Known[n.event]
	n.event++
	if again {
		return http.StatusOK, "again-" + strconv.Itoa(n.event)
	}
	n.new++
	return http.StatusCreated, "event-" + strconv.FormatUint(n.receipt.First+n.new-1, 10)
}

// appendTo writes what became of the item. One that is known already is a success.
func (it item) appendTo(out []byte, ids *numbering) []byte {
	status, id := http.StatusBadRequest, ""
	if it.fault == "" {
		status, id = ids.next()
	}
	if it.id != "" {
		id = it.id
	}
	out = schema.AppendJSON(append(out, `{"_index":`...), it.index)
	out = schema.AppendJSON(append(out, `,"_id":`...), id)
	out = strconv.AppendInt(append(out, `,"status":`...), int64(status), 10)
	if it.fault != "" {
		kind := "document_parsing_exception"
		if it.action == "delete" {
			kind = "illegal_argument_exception"
		}
		out = append(append(append(out, `,"error":{"type":"`...), kind...), `","reason":`...)
		out = append(schema.AppendJSON(out, it.fault), '}')
	}
	return append(out, '}')
}

// document takes one document that is sent to an index by itself.
func (d *Door) document(w http.ResponseWriter, r *http.Request, at []string) {
	action := []byte(`{"index":{}}`)
	if len(at) == 3 {
		action = []byte(`{"index":{"_id":` + schema.QuoteJSON(at[2]) + `}}`)
	}
	read, taken, err := d.receive(w, r, at[0], func(body []byte) []byte {
		oneLine := bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\n"), []byte(" ")), []byte("\r"), []byte(" "))
		return append(append(action, '\n'), oneLine...)
	})
	if err != nil {
		refuse(w, r, err)
		return
	}
	it := read.items[0]
	if it.fault != "" {
		fail(w, http.StatusBadRequest, "document_parsing_exception", it.fault)
		return
	}
	status, id := (&numbering{taken.Receipt, 0, 0}).next()
	if it.id != "" {
		id = it.id
	}
	result := "created"
	if status == http.StatusOK {
		result = "noop"
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"_index":` + schema.QuoteJSON(it.index) + `,"_id":` + schema.QuoteJSON(id) + `,"_version":1,"result":"` + result + `"}`))
}
