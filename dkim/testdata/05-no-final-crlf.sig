DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=rFB6eNJDJePwhYwisQZQ1oOh32Kt0NTsjjY/+IO0ZL8=;
 b=Xk158eteV1gzruVNYZiEe14UKU3sr9QprVTvKUOOF4ROuSpc1naEPt7ngI4nfja4mW6Nvrdd
 Nnb7vnaiqrIvAiGWJdKRH/Cm8HViLTxObyxYvWNde+he9C8ZlQMpZPVG/Q/2JhmOEp/bPyBjZdOO
 rPmQnftj2s7a292V8lni7eU=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=rFB6eNJDJePwhYwisQZQ1oOh32Kt0NTsjjY/+IO0ZL8=;
 b=PrJw7/b663Ap12/0eNMtAyyNJ2wYkPaTJgMPFVkz6+5dsVGPaUIsXAwYzreQIrV5pAPNefMW
 sOe0ywxfcoe3AQ==
