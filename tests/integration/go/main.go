// A program on Go's net/http/fcgi for the integration tests. It tells what it received.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
	"strings"
)

func handle(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	hash := sha256.New()
	length, err := io.Copy(hash, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if query.Get("redirect") != "" {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
		return
	}
	if text := query.Get("output"); text != "" {
		size, _ := strconv.Atoi(text)
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, strings.Repeat("0123456789abcde\n", size/16))
		return
	}
	status, err := strconv.Atoi(query.Get("status"))
	if err != nil {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "remote_addr": host,
		"length": length, "sha256": fmt.Sprintf("%x", hash.Sum(nil)),
	})
}

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, fcgi.Serve(listener, http.HandlerFunc(handle)))
	os.Exit(1)
}
