DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
 b=aecY/2ybTlUIPiTQSo+4hlmZq1d/TPzaWyLYvy5O1HwbiUT2CPRoiWtuLDqYCIqP1XeNCV4I
 ei0SKubRvNBm9dai4QRMTD3JFwlzW65HlD5U2YEL/aUmzWMR+DOAht5vwWFUxFbY75xQF0Oj+Du2
 ssB8Psvzn3CfOk9VmZ52NeI=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
 b=pVFi+nncIrWPKOkp9y25dbTeBAPp+sY3rxHDGUt0kETT0CvXxJxZ9RnIHLICwAwoPvtOpLap
 nBwJCs49a9FVAQ==
