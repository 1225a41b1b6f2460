# Programs made for libzmq, running on this library: C, Python, C++.
.PHONY: demo

demo: stage
	python3 demo/run.py
