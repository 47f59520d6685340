// SPDX-License-Identifier: MIT
//
// The backend of bench/library.py on Go's standard library: main http|fcgi SOCKET.
package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
)

var data = bytes.Repeat([]byte("x"), 1<<20)
var hello = []byte("Hello, world\n")

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method == "POST" {
		io.Copy(io.Discard, r.Body)
	}
	body := hello
	if size, err := strconv.Atoi(r.URL.Path[1:]); err == nil && size <= len(data) {
		body = data[:size]
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func main() {
	listener, err := net.Listen("unix", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(answer)
	if os.Args[1] == "fcgi" {
		log.Fatal(fcgi.Serve(listener, handler))
	}
	log.Fatal(http.Serve(listener, handler))
}
