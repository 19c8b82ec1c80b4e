"""Fine-tuning: a LoRA for the last block of a model that llama.cpp runs, learned with NumPy alone (ADR 0041)."""
