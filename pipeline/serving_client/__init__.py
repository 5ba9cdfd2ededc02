"""A client of TensorFlow Serving, by REST and by gRPC.

It is in `pipeline`, for it gives the predictions that `pipeline.prediction` gives with the model at hand.
"""
