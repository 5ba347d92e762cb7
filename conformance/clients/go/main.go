// Command client does one job over every way that Go has to the server: connect-go in its three protocols over HTTP/1.1 and h2c, and
// grpc-go. Arguments: the server's URL and a prefix for queues. Prints `way job_id` per way; ends with 1 at the first thing that is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	corvov1 "corvo.dev/corvo/gen/go/corvo/v1"
	"corvo.dev/corvo/gen/go/corvo/v1/corvov1connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	url, prefix := os.Args[1], os.Args[2]
	h2c := &http.Transport{Protocols: new(http.Protocols)}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	overHTTP2 := &http.Client{Transport: h2c}
	run := func(way string, work func(queue string) (string, error)) {
		id, err := work(prefix + "-" + way)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", way, err)
			os.Exit(1)
		}
		fmt.Println(way, id)
	}
	ways := []struct {
		name    string
		client  *http.Client
		options []connect.ClientOption
	}{
		{"connect-http1", http.DefaultClient, nil},
		{"connect-json-http1", http.DefaultClient, []connect.ClientOption{connect.WithProtoJSON()}},
		{"connect-h2c", overHTTP2, nil},
		{"grpc-h2c", overHTTP2, []connect.ClientOption{connect.WithGRPC()}},
		{"grpcweb-http1", http.DefaultClient, []connect.ClientOption{connect.WithGRPCWeb()}},
	}
	for _, way := range ways {
		client := corvov1connect.NewWorkerServiceClient(way.client, url, way.options...)
		run(way.name, func(queue string) (string, error) { return unary(ctx, client, queue) })
	}
	client := corvov1connect.NewWorkerServiceClient(overHTTP2, url)
	run("connect-stream", func(queue string) (string, error) { return stream(ctx, client, queue) })

	conn, err := grpc.NewClient(strings.TrimPrefix(url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer conn.Close()
	run("grpc-go", func(queue string) (string, error) { return stubs(ctx, corvov1.NewWorkerServiceClient(conn), queue) })
}

// unary adds, fetches and completes a job, and looks at a refusal.
func unary(ctx context.Context, client corvov1connect.WorkerServiceClient, queue string) (string, error) {
	added, err := client.Enqueue(ctx, connect.NewRequest(&corvov1.EnqueueRequest{Queue: queue, PayloadJson: `{"from":"go"}`}))
	if err != nil {
		return "", err
	}
	fetched, err := client.Fetch(ctx, connect.NewRequest(&corvov1.FetchRequest{Queues: []string{queue}, WorkerId: "go", LeaseDuration: 20}))
	if err != nil {
		return "", err
	}
	job := fetched.Msg
	if !job.Found || job.JobId != added.Msg.JobId || job.PayloadJson != `{"from":"go"}` || job.Fence == 0 {
		return "", fmt.Errorf("fetched %v", job)
	}
	_, err = client.Ack(ctx, connect.NewRequest(&corvov1.AckRequest{JobId: job.JobId, Fence: job.Fence + 1}))
	if connect.CodeOf(err) != connect.CodeFailedPrecondition {
		return "", fmt.Errorf("a wrong fence: %v", err)
	}
	var refused *connect.Error
	if !errors.As(err, &refused) || len(refused.Details()) != 1 {
		return "", fmt.Errorf("a refusal without detail: %v", err)
	}
	if detail, err := refused.Details()[0].Value(); err != nil || detail.(*corvov1.ErrorDetail).Reason != "STALE_FENCE" {
		return "", fmt.Errorf("the refusal's detail: %v %v", detail, err)
	}
	_, err = client.Ack(ctx, connect.NewRequest(&corvov1.AckRequest{JobId: job.JobId, ResultJson: `"done"`, Fence: job.Fence}))
	return job.JobId, err
}

// stream does the same with frames of one StreamLifecycle.
func stream(ctx context.Context, client corvov1connect.WorkerServiceClient, queue string) (string, error) {
	life := client.StreamLifecycle(ctx)
	ask := func(frame *corvov1.LifecycleStreamRequest) (*corvov1.LifecycleStreamResponse, error) {
		if err := life.Send(frame); err != nil {
			return nil, err
		}
		answer, err := life.Receive()
		if err == nil && (answer.RequestId != frame.RequestId || answer.Error != "") {
			err = fmt.Errorf("answer %v", answer)
		}
		return answer, err
	}
	added, err := ask(&corvov1.LifecycleStreamRequest{RequestId: 1, Enqueues: []*corvov1.LifecycleEnqueueItem{{Queue: queue, PayloadJson: "{}"}}})
	if err != nil {
		return "", err
	}
	fetched, err := ask(&corvov1.LifecycleStreamRequest{RequestId: 2, Queues: []string{queue}, WorkerId: "go", FetchCount: 4, WaitMs: 5000})
	if err != nil {
		return "", err
	}
	if len(fetched.Jobs) != 1 || fetched.Jobs[0].JobId != added.EnqueuedJobIds[0] {
		return "", fmt.Errorf("fetched %v", fetched)
	}
	job := fetched.Jobs[0]
	acks := []*corvov1.AckBatchItem{{JobId: job.JobId, ResultJson: `"done"`, Fence: job.Fence}}
	acked, err := ask(&corvov1.LifecycleStreamRequest{RequestId: 3, Acks: acks})
	if err != nil {
		return "", err
	}
	if acked.Acked != 1 {
		return "", fmt.Errorf("acked %v", acked)
	}
	if err := life.CloseRequest(); err != nil {
		return "", err
	}
	if _, err := life.Receive(); !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the stream's end: %v", err)
	}
	return job.JobId, life.CloseResponse()
}

// stubs does the same with grpc-go's own generated code.
func stubs(ctx context.Context, client corvov1.WorkerServiceClient, queue string) (string, error) {
	added, err := client.Enqueue(ctx, &corvov1.EnqueueRequest{Queue: queue, PayloadJson: "{}"})
	if err != nil {
		return "", err
	}
	job, err := client.Fetch(ctx, &corvov1.FetchRequest{Queues: []string{queue}, WorkerId: "grpc-go"})
	if err != nil {
		return "", err
	}
	if job.JobId != added.JobId {
		return "", fmt.Errorf("fetched %v", job)
	}
	_, err = client.Ack(ctx, &corvov1.AckRequest{JobId: job.JobId, Fence: job.Fence + 1})
	if status.Code(err) != codes.FailedPrecondition || len(status.Convert(err).Details()) != 1 {
		return "", fmt.Errorf("a wrong fence: %v", err)
	}
	_, err = client.Ack(ctx, &corvov1.AckRequest{JobId: job.JobId, ResultJson: `"done"`, Fence: job.Fence})
	return job.JobId, err
}
