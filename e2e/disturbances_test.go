package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	pb "nightjar/api/v1"
	"nightjar/testenv"
)

// ask posts, and counts how it was answered under a name.
func (p *process) ask(ctx context.Context, name, path string, body []byte, count func(string)) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DD-API-KEY", p.key)
	resp, err := http.DefaultClient.Do(req)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		count(name + " broken")
		return
	}
	resp.Body.Close()
	count(fmt.Sprintf("%s %d", name, resp.StatusCode))
	if resp.StatusCode == http.StatusTooManyRequests {
		time.Sleep(time.Second) // less than Retry-After says
	}
}

// crowd is n who do the same over and over.
func crowd(ctx context.Context, n int, do func(i int)) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range n {
		all.Go(func() {
			for ctx.Err() == nil {
				do(i)
			}
		})
	}
}

func stallStreams(ctx context.Context, p *process, count func(string)) {
	crowd(ctx, 75, func(int) {
		w, err := testenv.OpenWire(p.t, p.grpc)
		if err != nil {
			count("connections refused")
			time.Sleep(time.Second)
			return
		}
		defer w.Close()
		for stream := uint32(1); stream < 12; stream += 2 {
			if w.Begin(stream, pb.LogService_SubmitLogs_FullMethodName, "", 10_000_000, 60_000) != nil {
				break
			}
		}
		statuses, asked, _ := w.Statuses(6)
		for range statuses {
			count("streams refused")
		}
		for range asked {
			count("streams given room")
		}
		select { // and holds on to the connection
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	})
}

func searchEverything(ctx context.Context, p *process, count func(string)) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		crowd(ctx, 300, func(i int) {
			query := fmt.Sprintf("*%x?%x* -*%d?x*", i, i*7%16, i)
			body := fmt.Appendf(nil, `{"filter":{"query":%q,"from":"now-1y","to":"now"},"page":{"limit":100}}`, query)
			p.ask(ctx, "searches", "/api/v2/logs/events/search", body, count)
		})
	})
	sql := func(n int, name, query string) {
		body, _ := json.Marshal(map[string]string{"query": query}) // a string: cannot fail
		all.Go(func() { crowd(ctx, n, func(int) { p.ask(ctx, name, "/api/nightjar/v1/sql", body, count) }) })
	}
	sql(20, "CPU-bound", "SELECT max(sipHash64(message, number)) FROM events CROSS JOIN (SELECT number FROM numbers(1000)) AS n")
	sql(10, "memory-bound", "SELECT length(groupArray(concat(raw, toString(number)))) FROM events CROSS JOIN (SELECT number FROM numbers(100)) AS n")
}

func sendLarge(ctx context.Context, p *process, count func(string)) {
	kinds := sortedKinds()
	for i := 0; ctx.Err() == nil; i++ {
		kind := kinds[i%len(kinds)]
		body := fmt.Appendf(nil, `[{"ddsource":"hostile","service":"app-0",%s}]`, hostileEvents[kind](1_000_000, time.Now()))
		p.ask(ctx, "events", "/api/v2/logs", body, count)
		wait(ctx, time.Second)
	}
}

func sendKeys(ctx context.Context, p *process, count func(string)) {
	const batches = 20
	deadline, _ := ctx.Deadline()
	pause := time.Until(deadline) / (batches + 4)
	for batch := range batches {
		var body strings.Builder
		for e := range 1000 {
			body.WriteString(map[bool]string{true: "[", false: ","}[e == 0])
			body.WriteString(`{"ddsource":"wide","service":"app-0"`)
			for k := range 100 {
				fmt.Fprintf(&body, `,"key_%d_%d_%d":%d`, batch, e, k, k)
			}
			body.WriteString("}")
		}
		p.ask(ctx, "batches", "/api/v2/logs", []byte(body.String()+"]"), count)
		wait(ctx, pause)
	}
	<-ctx.Done()
}

func makeRules(ctx context.Context, p *process, count func(string)) {
	words := make([]string, envInt("ISOLATION_WORDS", 10_000))
	for i := range words {
		words[i] = fmt.Sprintf("word%dx", i)
		if i%2 == 0 {
			words[i] = "*" + words[i] + "*"
		}
	}
	const rule = `{"name":%q,"type":"log_detection","isEnabled":true,"message":"m","tags":[],"filters":[],
		"queries":[{"name":"a","query":%q,"aggregation":"count","groupByFields":[%s],"distinctFields":[]}],
		"cases":[{"name":"","status":"low","condition":"a > 0","notifications":[]}],
		"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":300,"maxSignalDuration":86400}}`
	const path = "/api/v2/security_monitoring/rules"
	p.ask(ctx, "rule of words", path, fmt.Appendf(nil, rule, "words", strings.Join(words, " OR "), ""), count)
	// One signal for every session, of which there are as many as events.
	p.ask(ctx, "rule of signals", path, fmt.Appendf(nil, rule, "signals", "source:auth", `"@session.id"`), count)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for i := range envInt("ISOLATION_RULES", 5000) {
			if ctx.Err() != nil {
				break
			}
			p.ask(ctx, "rules", path, loadRule(100+i), count)
		}
	})
	for sent := 0; ctx.Err() == nil && sent < 200_000; sent += 500 {
		var body strings.Builder
		for e := range 500 {
			body.WriteString(map[bool]string{true: "[", false: ","}[e == 0])
			fmt.Fprintf(&body, `{"ddsource":"auth","service":"other","session":{"id":"%x"},"message":"word%d"}`, rand.Uint64(), rand.IntN(10_000))
		}
		p.ask(ctx, "batches", "/api/v2/logs", []byte(body.String()+"]"), count)
		wait(ctx, 500*time.Millisecond)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
