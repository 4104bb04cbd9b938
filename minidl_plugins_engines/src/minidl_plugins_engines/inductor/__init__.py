"""The engine ``inductor``: a traced step becomes machine code, by torch's own compiler."""
