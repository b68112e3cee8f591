// Command bulkindexer sends COUNT logs to URL with the key KEY through Elastic's own
// Go client, as a program that logs to Elasticsearch would. A server that is busy, or
// an answer that is lost, it tries again.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

func main() {
	if err := send(); err != nil {
		log.Fatal(err)
	}
}

func send() error {
	count, err := strconv.Atoi(os.Getenv("COUNT"))
	if err != nil {
		return err
	}
	client, err := elasticsearch.NewClient(elasticsearch.Config{
		Addresses: []string{os.Getenv("URL") + "/elastic"}, Username: "x", Password: os.Getenv("KEY"), CompressRequestBody: true,
		RetryOnStatus: []int{502, 503, 504}, MaxRetries: 300, RetryBackoff: func(int) time.Duration { return 200 * time.Millisecond },
		RetryOnError: func(*http.Request, error) bool { return true },
	})
	if err != nil {
		return err
	}
	indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: client, Index: "go", NumWorkers: 2, FlushBytes: 4000})
	if err != nil {
		return err
	}
	for i := range count {
		if err := indexer.Add(context.Background(), esutil.BulkIndexerItem{
			Action: "create", DocumentID: "go-" + strconv.Itoa(i),
			Body: strings.NewReader(fmt.Sprintf(`{"@timestamp":%q,"message":"bulkindexer %d","host":{"name":"go"}}`, time.Now().UTC().Format(time.RFC3339Nano), i)),
		}); err != nil {
			return err
		}
	}
	if err := indexer.Close(context.Background()); err != nil {
		return err
	}
	if s := indexer.Stats(); s.NumFailed > 0 || s.NumFlushed != uint64(count) {
		return fmt.Errorf("%+v", s)
	}
	return nil
}
