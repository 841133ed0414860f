"""The wire contract, generated from proto/adaptation.proto by generate.sh."""
